import Synchronization

/// Wakes all tasks that wait. Signals are hints: those that come while no task waits make one.
package final class WakeSignal: Sendable {
    private struct State {
        var isSignalled = false
        var isClosed = false
        /// How often it was woken.
        var generation: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Bool, Never>] = [:]
        /// Waits whose time was over before they had begun.
        var over: Set<UInt64> = []
        var nextID: UInt64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Changes with each signal. Where several tasks wait, each reads it before it looks at the facts, and waits for the next one:
    /// a hint is for one of them only.
    package var generation: UInt64 { state.withLock { $0.generation } }

    /// Wakes those that wait, or the next one that does.
    package func wake() {
        let woken = state.withLock { state -> [CheckedContinuation<Bool, Never>] in
            state.generation &+= 1
            if state.waiters.isEmpty {
                state.isSignalled = true
                return []
            }
            defer { state.waiters.removeAll(keepingCapacity: true) }
            return Array(state.waiters.values)
        }
        for waiter in woken { waiter.resume(returning: true) }
    }

    /// Forgets a signal that came while no task waited.
    package func forget() {
        state.withLock { $0.isSignalled = false }
    }

    /// Wakes all for the last time: from now on, no task waits any more.
    package func close() {
        state.withLock { $0.isClosed = true }
        wake()
    }

    /// Whether the signal was closed.
    package var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Waits for a signal; `false` when none came in time, or the task was cancelled.
    ///
    /// - Parameter seen: a generation, so that a signal after it is not missed; without one a hint is taken.
    package func wait(after seen: UInt64? = nil, atMost time: Duration) async -> Bool {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await Task.sleep(for: time)
                self.giveUp(id)
            }
            let signalled = await withCheckedContinuation { continuation in
                let isOver = state.withLock { state -> Bool? in
                    if state.isClosed || (seen.map { $0 != state.generation } ?? state.isSignalled) {
                        if seen == nil { state.isSignalled = false }
                        return true
                    }
                    // The timer may have run out already.
                    if state.over.contains(id) || Task.isCancelled { return false }
                    state.waiters[id] = continuation
                    return nil
                }
                if let isOver { continuation.resume(returning: isOver) }
            }
            group.cancelAll()
            // Its timer leaves no mark behind.
            await group.waitForAll()
            _ = state.withLock { $0.over.remove(id) }
            return signalled
        }
    }

    private func giveUp(_ id: UInt64) {
        let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard let waiter = state.waiters.removeValue(forKey: id) else {
                // A waiter that has not registered yet must not do so any more.
                state.over.insert(id)
                return nil
            }
            return waiter
        }
        waiter?.resume(returning: false)
    }
}

/// Several signals that are woken together; those that were closed are forgotten.
final class WakeSignals: Sendable {
    private let signals = Mutex<[WakeSignal]>([])

    func add(_ signal: WakeSignal) {
        signals.withLock { signals in
            signals.removeAll { $0.isClosed }
            signals.append(signal)
        }
    }

    func wake() {
        for signal in signals.withLock({ $0 }) { signal.wake() }
    }
}
