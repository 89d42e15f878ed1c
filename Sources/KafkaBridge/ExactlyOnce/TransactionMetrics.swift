import CoreMetrics
import Telemetry

/// What is counted of a consumer's transactions.
struct TransactionMetrics: Sendable {
    private let committed: Counter
    private let givenUp: Counter
    private let fenced: Counter
    private let time: Timer
    private let events: Recorder
    private let age: Meter
    private let takeovers: Counter

    init(_ consumer: String) {
        committed = Metric.transactions.counter(consumer, "committed")
        givenUp = Metric.transactions.counter(consumer, "given_up")
        fenced = Metric.transactions.counter(consumer, "fenced")
        time = Metric.transactionTime.timer(consumer)
        events = Metric.transactionEvents.histogram(consumer)
        age = Metric.transactionAge.gauge(consumer)
        takeovers = Metric.takeovers.counter(consumer)
    }

    func committed(_ count: Int, after time: Duration) {
        committed.increment()
        self.time.recordNanoseconds(Int64(time / .nanoseconds(1)))
        events.record(count)
    }

    func ended(_ end: TransactionState.End) { (end == .fenced ? fenced : givenUp).increment() }

    func tookOver(_ segments: Int) { takeovers.increment(by: segments) }

    /// How long a transaction has been open; `nil` if nothing is in it.
    func update(age: Duration?) { self.age.set(age.map { $0 / .seconds(1) } ?? 0) }
}
