import KafkaBridge
import Testing

@testable import Appliance

@Suite struct TopicSettingsTests {
    private typealias Files = ConfigurationFileTests

    private static let text = """
        database: { url: "host=db" }
        kafka:
          bootstrap_servers: k
          topics: { create: true, settings: { retention.ms: 1000, min.insync.replicas: 2 } }
        consumers:
          a: { topic: t, topic_settings: { cleanup.policy: compact, retention.ms: -1, partitions: 12, replication_factor: 3 } }
          b: { topic: u, on_poison: dead_letter_topic, dead_letter_topic: dead }
        """

    @Test func `a consumer's settings win over those of all`() throws {
        let configuration = try Files.read(Self.text).configuration
        let policies = try configuration.consumers.map { try $0.publisherOptions(configuration.kafka).topics }
        #expect(
            policies == [
                .create(
                    partitions: 12, replicationFactor: 3,
                    settings: ["cleanup.policy": "compact", "retention.ms": "-1", "min.insync.replicas": "2"]),
                .create(partitions: 6, settings: ["retention.ms": "1000", "min.insync.replicas": "2"]),
            ])
        #expect(configuration.configuredTopics["t"]?.partitions == 12)
        #expect(configuration.configuredTopics["dead"]?.settings["retention.ms"] == "1000")
    }

    @Test func `they come from the environment too, and are shown`() throws {
        let loaded = try Files.read(
            Self.text,
            environment: [
                "GODWIT_KAFKA_TOPICS_SETTINGS_MAX_MESSAGE_BYTES": "5000",
                "GODWIT_CONSUMERS_B_TOPIC_SETTINGS_REPLICATION_FACTOR": "2",
                "GODWIT_CONSUMERS_B_TOPIC_SETTINGS_RETENTION_MS": "7",
            ])
        let kafka = loaded.configuration.kafka
        #expect(kafka.topicSettings.settings["max.message.bytes"] == "5000")
        let own = loaded.configuration.consumers[1].topicSettings
        #expect(own.replicationFactor == 2 && own.settings == ["retention.ms": "7"])
        #expect(loaded.warnings.isEmpty)
        let shown = ConfigurationReport.text(loaded.configuration.entries)
        #expect(shown.contains("cleanup.policy: compact") && shown.contains("retention.ms: 7"))
    }

    @Test(arguments: [
        "a: { topic: t, topic_settings: { partitions: 0 } }", "a: { topic: t, topic_settings: { partitions: many } }",
        "a: { topic: t, topic_settings: { replication_factor: 101 } }",
        "a: { topic: t, topic_settings: { \"cleanup policy\": x } }",
        "a: { topic: t, topic_settings: { cleanup_policy: x } }",
    ])
    func `what cannot be one is refused`(consumer: String) {
        #expect(ConfigurationLevelsTests.codes("consumers: { \(consumer) }") == [.value])
    }

    @Test func `partitions of all topics are no setting`() {
        let found = ConfigurationLevelsTests.found(
            "kafka: { bootstrap_servers: k, topics: { settings: { partitions: 3 } } }")
        #expect(found.map(\.code) == [.value] && found[0].message.contains("kafka.topics.partitions"))
    }

    @Test(arguments: [
        "a: { topic: t, topic_settings: { retention.ms: 1 } }, b: { topic: t }",
        "a: { topic: t }, b: { topic: t, topic_settings: { partitions: 3 } }",
        "a: { topic: t.X, topic_settings: { retention.ms: 1 } }, b: { topic: \"t.{aggregate_type}\", aggregate_types: [X, Y] }",
        "a: { topic: u, topics: { E: t }, topic_settings: { retention.ms: 1 } }, b: { topic: t, topic_settings: { retention.ms: 2 } }",
    ])
    func `two consumers that say other settings of one topic are refused, at a line`(consumers: String) {
        let found = ConfigurationLevelsTests.found("consumers: { \(consumers) }")
        #expect(found.map(\.code) == [.conflict] && found[0].source != nil, "\(found)")
    }

    @Test(arguments: [
        "a: { topic: t, topic_settings: { retention.ms: 1 } }, b: { topic: t, topic_settings: { retention.ms: 1 } }",
        "a: { topic: t, topic_settings: { retention.ms: 1 } }, b: { topic: u }",
        "a: { topic: t.X, topic_settings: { retention.ms: 1 } }, b: { topic: \"t.{aggregate_type}\" }",
    ])
    func `the same settings, or other topics, are right`(consumers: String) {
        #expect(ConfigurationLevelsTests.codes("consumers: { \(consumers) }").isEmpty)
    }
}
