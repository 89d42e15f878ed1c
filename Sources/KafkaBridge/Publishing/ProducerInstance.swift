import CoreMetrics
import Kafka
import Logging
import Telemetry

/// One producer, and what it was given. Not shared: its ``KafkaPublisher`` owns it.
struct ProducerInstance {
    private struct UnderWay {
        let id: Int
        let batch: Batch
        let since: ContinuousClock.Instant
        var isEnded = false
    }

    let producer: Producer
    /// Set where records go in transactions.
    let transactional: TransactionalProducer?
    /// Where these record how far they come, once that is known.
    var progressTopic: TopicHandle?
    /// In the order in which the producer was given them.
    private var underWay: [UnderWay] = []
    private var seenReports: UInt64?

    /// Builds a producer.
    init(
        _ client: ClientConfiguration, _ options: KafkaPublisherOptions, logger: Logger, observer: Signal
    ) throws(KafkaError) {
        if client.transactions != nil {
            let transactional = try TransactionalProducer(
                client, stallLimit: options.stallLimit, logger: logger, observer: observer,
                onStatistics: options.onStatistics)
            (producer, self.transactional) = (transactional.producer, transactional)
        } else {
            producer = try Producer(
                client, stallLimit: options.stallLimit, logger: logger, observer: observer,
                onStatistics: options.onStatistics)
            transactional = nil
        }
    }

    /// Gives records to the producer, and notes in the state how many it took.
    mutating func give(_ feed: DeliveryState.Feed, _ state: inout DeliveryState, _ metrics: PublisherMetrics) {
        let start = ContinuousClock.now
        if feed.isFirst {
            underWay.append(UnderWay(id: feed.batch, batch: producer.open(feed.source), since: start))
        }
        guard let index = underWay.lastIndex(where: { $0.id == feed.batch }) else { return state.producerFailed() }
        let (taken, mayTakeMore) = producer.offer(underWay[index].batch, from: feed.source, feed.records)
        let isFull = mayTakeMore && taken < feed.records.count
        state.fed(feed, taken, isFull: isFull, now: .now)
        if taken == feed.records.count, !feed.isPart {
            underWay[index].isEnded = true
            producer.endFeeding(underWay[index].batch, moreFollows: !feed.isUrgent)
        } else if feed.isUrgent || isFull {
            producer.sendAtOnce()
        }
        if taken < feed.records.count, !isFull { state.producerFailed() }
        metrics.produceTime.record(since: start)
    }

    /// Notes in the state what was reported since the last time.
    mutating func observe(_ state: inout DeliveryState, _ metrics: PublisherMetrics, now: DeliveryState.Moment) {
        let generation = producer.reportGeneration
        if generation == seenReports { return }
        seenReports = generation
        if producer.failure != nil { return state.producerFailed() }
        underWay.removeAll { one in
            guard state.observed(one.id, acknowledged: one.batch.progress.acknowledged, now: now) else { return false }
            metrics.acknowledgeTime.record(since: one.since)
            if !one.isEnded { producer.endFeeding(one.batch) }
            return true
        }
    }

    /// Everything that was under way is committed.
    mutating func committed(_ metrics: PublisherMetrics) {
        for one in underWay {
            metrics.acknowledgeTime.record(since: one.since)
            if !one.isEnded { producer.endFeeding(one.batch) }
        }
        underWay = []
    }

    /// Closes the producer, and gives what became of everything that was under way, by its batch.
    func end() async -> [Int: RecordOutcomes] {
        await producer.close()
        var outcomes: [Int: RecordOutcomes] = [:]
        for one in underWay {
            let (acknowledged, failures) = one.batch.outcomes()
            outcomes[one.id] = RecordOutcomes(acknowledged: acknowledged, failures: failures)
        }
        return outcomes
    }
}
