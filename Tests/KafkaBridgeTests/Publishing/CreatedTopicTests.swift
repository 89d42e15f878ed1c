import Kafka
import TestSupport
import Testing

@testable import Consumers
@testable import KafkaBridge

/// Settings of the topics that a publisher makes.
@Suite struct CreatedTopicTests {
    private func settings(_ topic: String, _ kafka: TestKafka) async throws -> [String: String] {
        try await Admin.with(kafka.client(), logger: quiet) { admin throws(KafkaError) in
            try await admin.topicSettings(topic)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a topic is made with the settings that are configured`() async throws {
        let kafka = try await TestKafka()
        let topic = kafka.uniqueTopic()
        let publisher = try kafka.publisher(
            topic, .create(partitions: 2, settings: ["cleanup.policy": "compact", "retention.ms": "86400000"]))
        try await publisher.deliver(EventRows.numbered(0..<3))
        await publisher.close()
        let found = try await settings(topic, kafka)
        #expect(found["cleanup.policy"] == "compact" && found["retention.ms"] == "86400000")
    }

    @Test(.timeLimit(.minutes(1)))
    func `a setting that brokers refuse is named with its topic, and holds up no other topic`() async throws {
        let kafka = try await TestKafka()
        let topic = kafka.uniqueTopic()
        let log = CapturedLog()
        let publisher = try kafka.publisher(
            topic, .create(partitions: 1, settings: ["retention.mss": "1"]), logger: log.logger)
        try await publisher.serve([ServedSegment(segment: 0, checkpoint: 0, epoch: 1, attempt: 0)])
        let publication = try await publisher.publish(EventRows.numbered(0..<3))
        let halts = try await publication.outcome().halts
        #expect(halts.first?.reason.contains("retention.mss") == true, "\(halts)")
        #expect(halts.first?.reason.contains(topic) == true, "\(halts)")
        #expect(log.lines.contains { $0.contains("retention.mss=1") }, "\(log.lines)")
        await publisher.close()
    }

    @Test func `topics of dead letters are never compacted, whatever is configured`() throws {
        let dead = try TopicName(sanitizing: "dead")
        let event = try TopicName(sanitizing: "events")
        var options = KafkaPublisherOptions(
            name: "a", client: ClientConfiguration(bootstrapServers: "x:1"),
            route: Route(topic: try TopicTemplate("events")),
            topics: .create(partitions: 3, settings: ["cleanup.policy": "compact", "retention.ms": "1"]))
        options.onPoison = .deadLetterTopic(dead)
        #expect(options.specification(of: event)?.settings == ["cleanup.policy": "compact", "retention.ms": "1"])
        #expect(options.specification(of: dead)?.settings == ["retention.ms": "1"])
        options.auxiliaryTopics =
            TopicPolicy.create(partitions: 6, settings: ["cleanup.policy": "compact"]).deadLetters
        #expect(options.specification(of: dead) == TopicSpecification("dead", partitions: 6))
        options.topics = .mustExist
        #expect(options.specification(of: event) == nil)
    }
}
