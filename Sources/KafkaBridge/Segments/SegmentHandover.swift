package import Consumers
import EventSourcing
import FoundationEssentials
import Kafka
package import Logging

/// Takes the segments of a consumer that delivers exactly once over from their owners, as a relay would, for an exchange.
///
/// Its transactional id is the same for each exchange of the consumer, so that one that was begun before can commit nothing more.
package actor SegmentHandover {
    private let work: TransactionWork
    private let options: KafkaPublisherOptions
    private let logger: Logger
    private var producer: TransactionalProducer?
    private var topic: TopicHandle?

    /// - Parameter options: those of a relay, with a transactional id for exchanges.
    /// - Returns: `nil` where these do not deliver exactly once.
    package init?(_ options: KafkaPublisherOptions, logger: Logger) {
        guard let work = TransactionWork(options, logger: logger) else { return nil }
        (self.work, self.options, self.logger) = (work, options, logger)
    }

    package func close() async {
        guard let producer else { return }
        (self.producer, topic) = (nil, nil)
        await producer.abort()
        await producer.producer.close()
    }

    /// Owns its transactional id, and gives the topic of the progress a partition for each segment. The relays need not wait
    /// for that.
    func prepare(for total: Int) async throws {
        do {
            let (producer, _) = try await connected()
            try await work.progressTopic.grow(to: total, on: producer.producer)
        } catch let refusal as ExactlyOnceRefusal {
            throw ResegmentationError.refused(work.consumer, refusal.description)
        }
    }

    private func connected() async throws -> (TransactionalProducer, TopicHandle) {
        if let producer, let topic { return (producer, topic) }
        let producer = try TransactionalProducer(options.producer(smallestLimit: .max).client, logger: logger)
        self.producer = producer
        do {
            let topic = try await work.initialize(producer).get()
            self.topic = topic
            return (producer, topic)
        } catch {
            await close()
            throw error
        }
    }

    /// Ends what former owners have left open, and commits what the new segments begin with.
    ///
    /// - Parameter segments: all of the consumer, none of which a worker that lives owns.
    /// - Returns: `nil` where a worker has claimed one meanwhile.
    func take(_ segments: [ServedSegment], to total: Int) async throws -> ExactlyOnceExchange? {
        let (producer, topic) = try await connected()
        do {
            var takeover = SegmentTakeover(work)
            let beginnings = try await takeover.run(segments, known: [:])
            guard takeover.unknown.isEmpty else {
                throw ExactlyOnceRefusal(
                    "the topic \(options.exactlyOnce?.progressTopic.description ?? "of its progress") has no progress of segments "
                        + "\(takeover.unknown.map(String.init).joined(separator: ", ")), which have had owners: give the command the "
                        + "configuration that the relays have, or have a relay deliver an event of each first")
            }
            var former: [ExactlyOnceExchange.Former] = []
            for segment in segments {
                guard case .after(let progress)? = beginnings[segment] else { return nil }
                former.append(
                    ExactlyOnceExchange.Former(
                        segment: segment.segment, epoch: segment.epoch, checkpoint: segment.checkpoint,
                        progress: progress))
            }
            let letters = try await work.aggregates(of: ExactlyOnceExchange.asked(former))
            let exchange = try ExactlyOnceExchange(
                work.consumer, former, to: total, scope: options.scope, letters: letters, lineage: UUID().uuidString,
                id: work.transactionalID)
            let records = (exchange.marks.map { ($0, $1) } + exchange.seeds.map { ($0, $1) }).sorted { $0.0 < $1.0 }
            if let error = await work.commit(records, in: topic, producer) { throw error }
            return exchange
        } catch let refusal as ExactlyOnceRefusal {
            throw ResegmentationError.refused(work.consumer, refusal.description)
        } catch {
            // A producer that has failed is not used again.
            if error is KafkaError { await close() }
            throw error
        }
    }

    /// Whether the owners that the database has by now are still those that ``take(_:to:)`` has recorded.
    nonisolated func isOwner(_ id: String?) -> Bool { id == work.transactionalID }
}
