import EventSourcing
import Logging
import TestSupport
import Testing

@testable import Consumers
@testable import KafkaBridge

extension TestKafka {
    func publisher(
        _ topic: String, _ policy: TopicPolicy, allowed: [String] = [], properties: [String: String] = [:],
        stallLimit: Duration? = nil, logger: Logger = quiet
    ) throws -> KafkaPublisher {
        let route = Route(topic: try TopicTemplate(topic), allowlist: TopicAllowlist(allowed))
        var options = KafkaPublisherOptions(name: "test", client: client(properties), route: route, topics: policy)
        options.longestPause = .milliseconds(200)
        if let stallLimit { options.stallLimit = stallLimit }
        return KafkaPublisher(options, logger: logger)
    }
}

extension KafkaPublisher {
    /// Publishes a batch and waits until it is acknowledged.
    func deliver(_ batch: FeedBatch) async throws {
        try await publish(batch).acknowledged()
    }

    /// Begins segment 0, publishes batches of it, and waits for them as ``finish(_:)`` does.
    func deliverThroughHalts(_ batches: [FeedBatch]) async throws {
        try await serve([ServedSegment(segment: 0, checkpoint: 0, epoch: 1, attempt: 0)])
        var published: [(FeedBatch, Publication)] = []
        for batch in batches { published.append((batch, try await publish(batch))) }
        try await finish(published)
    }

    /// Waits for batches of segment 0, and as a worker does, hands them over again from where it halts, as soon as what it
    /// halts at may be gone.
    func finish(_ published: [(FeedBatch, Publication)]) async throws {
        var published = published
        while !published.isEmpty {
            var halted: [FeedBatch] = []
            for (batch, publication) in published {
                guard let halt = try await publication.outcome().halts.first, let events = batch.events else {
                    continue
                }
                halted.append(
                    batch.selecting(batch.selection.filter { events[$0.index].globalPosition >= halt.position }))
            }
            published = []
            if halted.isEmpty { return }
            try await eventually("nothing is tried again") { await self.look { $0.retries(.now) } == [0] }
            let attempt = await look { $0.served[0]?.attempt ?? 0 }
            try await serve([ServedSegment(segment: 0, checkpoint: 0, epoch: 1, attempt: attempt + 1)])
            for batch in halted { published.append((batch, try await publish(batch))) }
        }
    }
}

extension ConsumerCondition {
    /// Whether brokers are said to be away.
    var isOutage: Bool {
        guard case .waiting(let reason) = self else { return false }
        return reason.hasPrefix("no Kafka broker answers")
    }
}
