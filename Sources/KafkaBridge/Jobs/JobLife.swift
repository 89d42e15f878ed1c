/// Where a job is in its life, and what is wanted of it. A pure value.
///
/// The state is written by the process that runs the job, the wish by any process that is asked to change it: so a job can be
/// stopped without reaching the process that runs it, and what was asked is not lost where that process dies.
package struct JobLife: Sendable, Hashable {
    package enum State: String, Sendable, CaseIterable {
        /// Made for a command that runs it itself, and not begun.
        case created
        /// Waits for a relay that has a hand free.
        case queued
        /// A process runs it, or was killed while it did.
        case running
        /// Told to stop before its end; goes on where it was when it is resumed.
        case stopped
        /// Cannot go on by itself; tries again when it is resumed.
        case failed
        case done
        /// Ended by an operator, for good.
        case cancelled

        /// Whether nothing changes it any more.
        package var isFinal: Bool { self == .done || self == .cancelled }
    }

    package enum Wish: String, Sendable, CaseIterable {
        /// Nothing: a command that runs the job decides.
        case none = ""
        /// Relays are to run it to its end.
        case run
        /// The process that runs it is to stop.
        case stop
    }

    /// What an operator can ask for.
    package enum Request: String, Sendable, CaseIterable {
        case stop, resume, cancel
    }

    /// Who begins a job.
    package enum Runner: Sendable, CaseIterable {
        /// A relay process, which does what is wished.
        case relay
        /// A command: an operator decides, whatever was wished.
        case command
    }

    /// How a run ends, as far as the process that ends it knows.
    package enum Ending: Sendable, Equatable {
        case done
        /// It was told to stop, by its process or by the wish.
        case stopped
        /// - Parameter passes: whether what is wrong passes by itself, as a broker that is away.
        case failed(passes: Bool)
    }

    package var state: State
    package var wish: Wish
    /// Whether a process runs it now.
    package var isHeld: Bool

    package init(_ state: State, wish: Wish = .none, isHeld: Bool = false) {
        self.state = state
        self.wish = wish
        self.isHeld = isHeld
    }

    /// In one word, as every surface shows it.
    package var word: String {
        guard state == .running else { return state.rawValue }
        return switch (isHeld, wish) {
        case (true, .stop): "stopping"
        case (true, _): "running"
        // A process that was asked to stop and died has stopped.
        case (false, .stop): "stopped"
        // Relays go on with it.
        case (false, .run): "queued"
        case (false, .none): "interrupted"
        }
    }

    /// Whether an operator has to decide before it goes on.
    package var waitsForOperator: Bool { ["stopped", "failed", "interrupted", "created"].contains(word) }

    /// Does what is asked.
    ///
    /// - Returns: whether anything has changed.
    /// - Throws: ``JobError`` for a job that has ended.
    package mutating func apply(_ request: Request, to name: String) throws(JobError) -> Bool {
        if state == .done { throw .done(name) }
        if state == .cancelled { throw .cancelled(name) }
        let before = self
        switch request {
        case .cancel: (state, wish) = (.cancelled, .none)
        case .stop:
            switch state {
            case .running where isHeld: wish = .stop
            case .running, .queued, .created: (state, wish) = (.stopped, .none)
            case .stopped, .failed, .done, .cancelled: break
            }
        case .resume:
            switch state {
            case .running where isHeld:
                // It may be stopping already: then it is queued once it has stopped.
                if wish == .stop { wish = .run }
            case .running, .created, .stopped, .failed: (state, wish) = (.queued, .run)
            case .queued: wish = .run
            case .done, .cancelled: break
            }
        }
        return self != before
    }

    /// Whether a process may begin it; then it runs.
    package mutating func begin(_ runner: Runner) -> Bool {
        guard !isHeld, !state.isFinal else { return false }
        switch runner {
        case .relay:
            guard wish == .run, state == .queued || state == .running else { return false }
        case .command: wish = .none
        }
        (state, isHeld) = (.running, true)
        return true
    }

    /// Notes how a run has ended. What was wished meanwhile holds.
    package mutating func end(_ ending: Ending) {
        isHeld = false
        // Cancelled meanwhile: nothing of it is the run's to write.
        guard state == .running else { return }
        switch ending {
        case .done: (state, wish) = (.done, .none)
        // A relay that ends gives the job back, and another goes on.
        case .stopped where wish == .run, .failed(passes: true) where wish == .run: state = .queued
        case .stopped: (state, wish) = (.stopped, .none)
        case .failed: (state, wish) = (.failed, .none)
        }
    }

    /// How long to wait before what has failed and passes by itself is tried again: longer each time, five minutes at most.
    package static func pause(afterAttempts attempts: Int) -> Duration {
        .seconds(min(300, 5 << min(6, max(0, attempts - 1))))
    }
}
