import Consumers
import Logging
import TestSupport
import Testing

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
}

extension ConsumerCondition {
    /// Whether brokers are said to be away.
    var isOutage: Bool {
        guard case .waiting(let reason) = self else { return false }
        return reason.hasPrefix("no Kafka broker answers")
    }
}
