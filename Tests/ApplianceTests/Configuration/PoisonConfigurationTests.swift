import KafkaBridge
import Testing

@testable import Appliance

@Suite struct PoisonConfigurationTests {
    private static func text(_ more: String) -> String {
        """
        database: { url: "postgres://relay@db/app" }
        kafka: { bootstrap_servers: "kafka:9092" }
        consumers:
          identity:
            topic: "identity.{aggregate_type}"
        \(more)
        """
    }

    private func consumer(_ more: String) throws -> ConsumerSection {
        try #require(try ConfigurationFileTests.read(Self.text(more)).configuration.consumers.first)
    }

    private func problems(_ more: String) throws -> [String] {
        let error = try #require(throws: ConfigurationError.self) { try ConfigurationFileTests.read(Self.text(more)) }
        return error.problems.map(\.description)
    }

    @Test func `a consumer halts unless told otherwise`() throws {
        #expect(try consumer("").onPoison == .halt)
        #expect(try consumer("    on_poison: park").onPoison == .park)
        let dead = try TopicName(sanitizing: "identity.dead")
        #expect(
            try consumer("    on_poison: dead_letter_topic\n    dead_letter_topic: identity.dead").onPoison
                == .deadLetterTopic(dead))
        #expect(
            try consumer("    on_poison: dead_letter_topic\n    dead_letter_topic: identity.dead").fixedTopics == [dead]
        )
    }

    @Test func `a dead-letter topic that is missing, illegal, unused or the consumer's own is refused`() throws {
        let cases = [
            ("    on_poison: dead_letter_topic", "needs \"dead_letter_topic\" too"),
            ("    dead_letter_topic: dead", "needs \"on_poison\" to be dead_letter_topic"),
            ("    on_poison: dead_letter_topic\n    dead_letter_topic: \"dead letters\"", "no topic's name"),
            ("    on_poison: dead_letter_topic\n    dead_letter_topic: \"dead.{event_type}\"", "no topic's name"),
            (
                "    on_poison: dead_letter_topic\n    dead_letter_topic: \"identity.{aggregate_type}\"",
                "no topic's name"
            ),
        ]
        for (text, word) in cases {
            let problems = try problems(text)
            #expect(problems.count == 1 && problems[0].contains(word), "\(problems)")
        }
    }

    @Test func `event types may have topics of their own`() throws {
        let consumer = try consumer(
            "    topics: { UserErased: identity.erasures, \"user.named\": \"names.{event_type}\" }")
        #expect(
            consumer.topics.mapValues(\.description) == [
                "UserErased": "identity.erasures", "user.named": "names.{event_type}",
            ])
        #expect(consumer.fixedTopics.map(\.description) == ["identity.erasures"])
        let problems = try problems("    topics: { UserErased: \"identity erasures\", Other: [a] }")
        #expect(problems.count == 2, "\(problems)")
        #expect(problems.contains { $0.contains("consumers.identity.topics.UserErased") })
    }

    @Test func `records may be as large as their topic says unless a bound is given`() throws {
        #expect(try ConfigurationFileTests.read(Self.text("")).configuration.kafka.maximumRecordBytes == nil)
        let given = try ConfigurationFileTests.read(
            Self.text(""), environment: ["GODWIT_KAFKA_MAX_RECORD_BYTES": "5000"])
        #expect(given.configuration.kafka.maximumRecordBytes == 5_000)
    }
}
