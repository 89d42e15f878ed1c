import Synchronization

/// The feeds that are woken when there may be new events.
public final class Wakeups: Sendable {
    private let signals = Mutex<[WakeSignal]>([])

    func add(_ signal: WakeSignal) {
        signals.withLock { signals in
            signals.removeAll { $0.isClosed }
            signals.append(signal)
        }
    }

    /// Wakes all.
    public func wakeAll() {
        for signal in signals.withLock({ $0 }) { signal.wake() }
    }
}
