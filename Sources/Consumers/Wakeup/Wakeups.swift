import CoreMetrics
import EventSourcing
import Postgres
import Synchronization
import Telemetry

/// The feeds that are woken when there may be new events.
public final class Wakeups: Sendable {
    private let signals = Mutex<[WakeSignal]>([])
    private let controlSignals = Mutex<[WakeSignal]>([])
    private let counters = WakeupCause.allCases.reduce(into: [:]) { counters, cause in
        counters[cause] = Metric.wakeups.counter(cause.rawValue)
    }

    func add(_ signal: WakeSignal) {
        signals.withLock { signals in
            signals.removeAll { $0.isClosed }
            signals.append(signal)
        }
    }

    /// Adds a signal that is woken when somebody has ordered something of a consumer.
    func addForControls(_ signal: WakeSignal) {
        controlSignals.withLock { signals in
            signals.removeAll { $0.isClosed }
            signals.append(signal)
        }
    }

    /// Takes in what came over the channel, or that nothing did for long: something may have been lost.
    func take(_ notifications: [Notification]) {
        takeControls(among: notifications)
        if notifications.isEmpty {
            wakeAll(.fallback)
        } else if notifications.contains(where: { $0.payload != ControlsTable.payload }) {
            wakeAll(.notification)
        }
    }

    /// Has those look who obey orders, if there are new ones.
    func takeControls(among notifications: [Notification]) {
        guard notifications.contains(where: { $0.payload == ControlsTable.payload }) else { return }
        for signal in controlSignals.withLock({ $0 }) { signal.wake() }
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
