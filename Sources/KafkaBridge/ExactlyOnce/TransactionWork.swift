import Consumers
import EventSourcing
import Kafka
import Logging

/// Performs what exactly-once delivery needs of brokers and database, for the publisher of a consumer.
struct TransactionWork: Sendable {
    let consumer: String
    let options: ExactlyOnceOptions
    let client: ClientConfiguration
    let policy: TopicPolicy
    let logger: Logger

    init?(_ options: KafkaPublisherOptions, logger: Logger) {
        guard let exactlyOnce = options.exactlyOnce else { return nil }
        consumer = options.name
        self.options = exactlyOnce
        client = options.client
        policy = options.auxiliaryTopics ?? options.topics
        self.logger = logger
    }

    /// Has the producer own its id, and looks for the topic of the progress.
    func initialize(_ transactional: TransactionalProducer) async -> Result<TopicHandle, any Error> {
        do {
            try await transactional.initialize()
            return .success(try await progressTopic.prepare(on: transactional.producer))
        } catch {
            return .failure(error)
        }
    }

    var progressTopic: ProgressTopic {
        ProgressTopic(
            name: options.progressTopic, segments: options.totalSegments, client: client, policy: policy, logger: logger
        )
    }

    /// - Parameter producer: the one whose transactions record the progress.
    func takeOver(
        _ segments: [ServedSegment], known: [Int: SegmentProgress], _ producer: Producer
    ) async -> Result<[ServedSegment: ExactlyOnceState.Beginning], any Error> {
        var takeover = SegmentTakeover(self)
        do {
            if let last = segments.map(\.segment).max() {
                try await progressTopic.require(last + 1, on: producer)
            }
            let beginnings = try await takeover.run(segments, known: known)
            if !takeover.unknown.isEmpty {
                logger.warning(
                    "segments had an owner that delivers exactly once, and the topic has no progress of them: either that owner was gone before its first transaction, or the progress was deleted, and what was delivered behind their checkpoints is delivered again",
                    metadata: ["segments": "\(takeover.unknown)", "topic": "\(options.progressTopic)"])
            }
            return .success(beginnings)
        } catch {
            return .failure(error)
        }
    }

    /// Adds the progress to the transaction, and commits it.
    ///
    /// - Returns: why it may not be committed.
    func commit(
        _ progress: [(segment: Int, SegmentProgress)], in topic: TopicHandle, _ transactional: TransactionalProducer
    ) async -> KafkaError? {
        do {
            let records = try progress.map { segment, progress in
                ProgressRecords.Record(
                    segment: segment, key: progress.key(of: consumer, segment),
                    value: try progress.value(of: consumer, segment))
            }
            let batch = await transactional.producer.produce(ProgressRecords(records, in: topic))
            // A record that was not taken: the transaction would lack it.
            if let failure = batch.progress.failure { return failure.error }
            try await transactional.commit()
            return nil
        } catch let error as KafkaError {
            return error
        } catch {
            return KafkaError(.state, message: "the progress of a segment cannot be written: \(error)")
        }
    }

    /// The aggregates of those among some positions that the table of dead letters has rows of.
    func aggregates(of positions: Set<Int64>) async throws -> [Int64: String] {
        if positions.isEmpty { return [:] }
        return try await options.store.aggregates(consumer, positions.sorted())
    }

    /// Notes that nothing of the segments is open any more. What cannot be noted is ended by the next owner.
    func release(_ segments: [ServedSegment]) async {
        do {
            try await options.store.release(consumer, id: options.transactionalID, segments)
        } catch {
            logger.debug("the next owners of segments end this one's transactions first: \(error)")
        }
    }
}

extension TransactionWork: TakeoverAccess {
    var transactionalID: String { options.transactionalID }
    var remedy: String { options.remedy }

    func owners(of segments: [Int]) async throws -> [Int: TransactionStore.Owner] {
        try await options.store.owners(consumer, segments)
    }

    func record(
        _ segments: [ServedSegment], lineage: String, former: [Int: TransactionStore.Owner]
    ) async throws -> [Int: TransactionStore.Recorded] {
        try await options.store.record(
            consumer, id: options.transactionalID, lineage: lineage, segments, former: former)
    }

    func claimed(_ segments: [ServedSegment]) async throws -> Set<Int> {
        try await options.store.claimed(consumer, segments)
    }

    func fence(_ id: String) async throws {
        var client = client
        client.transactions = TransactionSettings(id: id, timeout: options.transactionTimeout)
        logger.info("ending what a former owner may have left open", metadata: ["transactional_id": "\(id)"])
        try await TransactionalProducer.fence(client, logger: logger)
    }

    func progress(_ lineages: [Int: String]) async throws -> [Int: SegmentProgress] {
        try await ProgressReader(client: client, topic: options.progressTopic, consumer: consumer, logger: logger)
            .read(lineages)
    }

    func parked(_ asked: [DeadLettersTable.Passed], limit: Int) async throws -> [Int: [Int64]] {
        try await options.store.parked(consumer, asked, limit: limit)
    }

    func missing(_ events: [EventReference]) async throws -> [EventReference] {
        try await options.store.missing(events)
    }
}
