import CoreMetrics
import Synchronization
import Telemetry

/// The feeds that are woken when there may be new events.
public final class Wakeups: Sendable {
    private let signals = Mutex<[WakeSignal]>([])
    private let counters = WakeupCause.allCases.reduce(into: [:]) { counters, cause in
        counters[cause] = Metric.wakeups.counter(cause.rawValue)
    }

    func add(_ signal: WakeSignal) {
        signals.withLock { signals in
            signals.removeAll { $0.isClosed }
            signals.append(signal)
        }
    }

    /// Wakes all.
    public func wakeAll() {
        wakeAll(.application)
    }

    func wakeAll(_ cause: WakeupCause) {
        counters[cause]?.increment()
        for signal in signals.withLock({ $0 }) { signal.wake() }
    }
}
