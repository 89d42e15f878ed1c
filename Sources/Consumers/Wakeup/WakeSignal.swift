import Synchronization

/// Wakes one waiting task. Signals are hints: those that come while nobody waits make one.
package final class WakeSignal: Sendable {
    private struct State {
        var isSignalled = false
        var isClosed = false
        var waiter: (id: UInt64, continuation: CheckedContinuation<Bool, Never>)?
        var nextID: UInt64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Wakes the waiter, or the next one.
    package func wake() {
        let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard let waiter = state.waiter else {
                state.isSignalled = true
                return nil
            }
            state.waiter = nil
            return waiter.continuation
        }
        waiter?.resume(returning: true)
    }

    /// Forgets a signal that came while nobody waited.
    package func forget() {
        state.withLock { $0.isSignalled = false }
    }

    /// Wakes the waiter for the last time: from now on, nobody waits any more.
    package func close() {
        state.withLock { $0.isClosed = true }
        wake()
    }

    /// Whether the signal was closed.
    package var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Waits for a signal; `false` when none came in time, or the task was cancelled. One task may wait at a time.
    package func wait(atMost time: Duration) async -> Bool {
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
                    if state.isSignalled || state.isClosed {
                        state.isSignalled = false
                        return true
                    }
                    // The timer may have run out already.
                    if state.nextID != id || Task.isCancelled { return false }
                    state.waiter = (id, continuation)
                    return nil
                }
                if let isOver { continuation.resume(returning: isOver) }
            }
            group.cancelAll()
            return signalled
        }
    }

    private func giveUp(_ id: UInt64) {
        let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard state.nextID == id else { return nil }
            // A waiter that has not registered yet must not do so any more.
            state.nextID += 1
            defer { state.waiter = nil }
            return state.waiter?.continuation
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
