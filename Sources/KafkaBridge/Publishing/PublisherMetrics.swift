import CoreMetrics
import Telemetry

/// What is counted of one publisher: per batch and run, never per record.
struct PublisherMetrics: Sendable {
    enum Retry: String, CaseIterable {
        /// Passes by itself.
        case retry
        /// An operator has to change something.
        case refused
        /// A record is rejected for good.
        case poison
    }

    let published: Counter
    let produceTime: Timer
    let acknowledgeTime: Timer
    let sentAgain: Counter
    let runs: Counter
    let parkedTotal: Counter
    let deadLettered: Counter
    /// Set where records are delivered exactly once.
    let transactions: TransactionMetrics?
    private let consumer: String
    private let factory: any MetricsFactory
    private let retries: [Retry: Counter]
    private let statuses: [PublisherStatus.Name: Meter]

    init(_ consumer: String, isExactlyOnce: Bool = false) {
        self.consumer = consumer
        factory = MetricsSystem.currentFactory
        published = Metric.recordsPublished.counter(consumer)
        produceTime = Metric.produceTime.timer(consumer)
        sentAgain = Metric.recordsSentAgain.counter(consumer)
        acknowledgeTime = Metric.acknowledgeTime.timer(consumer)
        runs = Metric.producerRuns.counter(consumer)
        parkedTotal = Metric.parkedTotal.counter(consumer)
        deadLettered = Metric.deadLettered.counter(consumer)
        transactions = isExactlyOnce ? TransactionMetrics(consumer) : nil
        retries = Retry.allCases.reduce(into: [:]) { $0[$1] = Metric.retries.counter(consumer, $1.rawValue) }
        statuses = PublisherStatus.Name.allCases.reduce(into: [:]) {
            $0[$1] = Metric.deliveryStatus.gauge(consumer, $1.rawValue)
        }
        update(.flowing)
    }

    func failed(_ retry: Retry) {
        retries[retry]?.increment()
    }

    /// Whether a topic takes no records.
    func refused(_ topic: TopicName, _ isRefused: Bool) {
        // Topics are met one by one, by tasks that know the process's backend only.
        withMetricsFactory(factory) { Metric.refusedTopics.gauge(consumer, topic.description) }.set(isRefused ? 1 : 0)
    }

    func update(_ status: PublisherStatus) {
        for (name, meter) in statuses { meter.set(name == status.name ? 1 : 0) }
    }
}
