import Synchronization

/// How late the live flow of a process is at the moment, for work beside it that must not be in its way. It notes nothing while
/// no such work is done.
package final class LiveFlow: Sendable {
    /// One batch that was processed.
    package struct Sample: Sendable, Hashable {
        /// The age of the batch's first event then, in microseconds; it depends on two clocks.
        package let age: Int64
        /// The time since the reader had offered it, in microseconds; nil where that is not known.
        package let handling: Int64?

        package init(age: Int64, handling: Int64?) {
            self.age = age
            self.handling = handling
        }
    }

    /// What has come since the last look.
    package struct Load: Sendable, Hashable {
        package var samples: [Sample]
        /// Whether some consumer has processed what it was behind with.
        package var isCatchingUp: Bool

        package init(samples: [Sample] = [], isCatchingUp: Bool = false) {
            self.samples = samples
            self.isCatchingUp = isCatchingUp
        }
    }

    /// More are no better.
    private static let mostSamples = 1_000

    private struct State {
        var watchers = 0
        var load = Load()
    }

    private let state = Mutex(State())

    package init() {}

    /// Begins, and ends, to note.
    package func watch(_ isWatched: Bool) {
        state.withLock { state in
            state.watchers += isWatched ? 1 : -1
            state.load = Load()
        }
    }

    /// What has come since the last look.
    package func take() -> Load {
        state.withLock { state in
            defer { state.load = Load() }
            return state.load
        }
    }

    /// - Parameter isBehind: whether the batch was read for consumers that are behind.
    func note(_ sample: @autoclosure () -> Sample, isBehind: Bool) {
        state.withLock { state in
            guard state.watchers > 0 else { return }
            if isBehind {
                state.load.isCatchingUp = true
            } else if state.load.samples.count < Self.mostSamples {
                state.load.samples.append(sample())
            }
        }
    }
}
