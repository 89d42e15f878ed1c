import CoreMetrics
import EventSourcing
import Postgres
import Synchronization
import Telemetry

/// What wakes a source's reader when there may be new events.
public final class Wakeups: Sendable {
    private let noteNews: @Sendable () -> Void
    private let controlSignals = WakeSignals()
    private let returnSignals = WakeSignals()
    private let sight = Mutex<TriggerSight?>(nil)
    private let counters = WakeupCause.allCases.reduce(into: [:]) { counters, cause in
        counters[cause] = Metric.wakeups.counter(cause.rawValue)
    }

    init(_ noteNews: @escaping @Sendable () -> Void) {
        self.noteNews = noteNews
    }

    /// Adds a signal that is woken when a consumer's controls have changed.
    func addForControls(_ signal: WakeSignal) {
        controlSignals.add(signal)
    }

    /// Adds a signal that is woken when the database is back after it was away.
    func addForReturn(_ signal: WakeSignal) {
        returnSignals.add(signal)
    }

    /// The database answers again: what waits for the next attempt need not wait on.
    func databaseIsBack() {
        returnSignals.wake()
    }

    /// How inserts notify; `nil` before the first heartbeat.
    var trigger: TriggerSight? { sight.withLock { $0 } }

    /// Takes in how inserts notify. Another table wakes all: nothing may have notified of what is in it.
    func saw(_ new: TriggerSight) {
        let old = sight.withLock { sight in
            defer { sight = new }
            return sight
        }
        if let old, old.table != new.table { wakeAll(.table) }
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

    /// Wakes those that apply controls, if some have changed.
    func takeControls(among notifications: [Notification]) {
        guard notifications.contains(where: { $0.payload == ControlsTable.payload }) else { return }
        controlSignals.wake()
    }

    /// Wakes all.
    public func wakeAll() {
        wakeAll(.application)
    }

    /// Counts a wakeup without one.
    func count(_ cause: WakeupCause) {
        counters[cause]?.increment()
    }

    func wakeAll(_ cause: WakeupCause) {
        count(cause)
        noteNews()
    }
}

/// What may wake the consumers.
enum WakeupCause: String, Sendable, CaseIterable {
    /// A notification of the database.
    case notification
    /// A look at the latest position.
    case poll
    /// Nothing came for long; something may have been missed.
    case fallback
    /// A connection that listens was lost or made.
    case connection
    /// Another table has taken the place of the events table.
    case table
    /// The program that embeds the consumers.
    case application
}
