import CoreMetrics
import EventSourcing
import Kafka
import KafkaTestBroker
import Telemetry
import TestSupport
import Testing

@testable import KafkaBridge

/// A topic of its own for what cannot be delivered: nothing halts, and nothing is lost.
@Suite(.timeLimit(.minutes(3))) struct DeadLetterTopicTests {
    private func deadTopic(_ place: PoisonFixture, settings: [String: String] = [:]) async throws -> TopicName {
        let name = place.kafka.uniqueTopic("dead")
        let admin = try Admin(place.kafka.client(), logger: quiet)
        let results = try await admin.createTopics([TopicSpecification(name, partitions: 1, settings: settings)])
        await admin.close()
        if let failure = results[name] ?? nil { throw failure }
        return try TopicName(sanitizing: name)
    }

    @Test(.onEmbeddedBroker) func `the original record goes there with all that is to be known`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            await broker.inject(Fault(.refuse(KafkaErrorCode(.invalidRecord)), on: .produce, topic: place.badTopic))
            let dead = try await deadTopic(place)
            try await place.relaying(.deadLetterTopic(dead)) { relaying in
                try await place.append("a", "Good", "Bad", "Good")
                try await place.append("b", "Good")
                try await place.waitForCheckpoints(4)
                #expect(relaying.publisher.status == .flowing)
            }
            let record = try #require(try await place.kafka.readAll([dead.description]).first)
            #expect(record.key == Array("a".utf8) && record.value == Array("xxxxxxxxxx".utf8))
            #expect(record.header("global_position") == "2" && record.header("event_type") == "Bad")
            #expect(record.header("dead_letter_reason") == "rejected")
            #expect(record.header("dead_letter_error")?.contains("INVALID_RECORD") == true)
            #expect(record.header("dead_letter_consumer") == PoisonFixture.consumer)
            #expect(record.header("dead_letter_position") == "2")
            #expect(record.header("dead_letter_topic") == place.badTopic)
            #expect(record.header("dead_letter_time")?.hasSuffix("Z") == true)
            #expect(record.header("dead_letter_omitted_bytes") == nil)
            #expect(try await place.positions(in: place.topic, of: "a", atLeast: 2) == [1, 3])
            #expect(try await place.rows().isEmpty)
        }
    }

    @Test func `what is too large for it too goes there without its value`() async throws {
        try await PoisonFixture.with { place in
            let dead = try await deadTopic(place)
            try await place.relaying(.deadLetterTopic(dead)) { _ in
                try await place.append("a", "Good", bytes: 20_000)
                try await place.append("a", "Good")
                try await place.waitForCheckpoints(2)
            }
            let record = try #require(try await place.kafka.readAll([dead.description]).first)
            #expect(record.value == nil && record.key == Array("a".utf8))
            #expect(record.header("dead_letter_omitted_bytes") == "20000")
            #expect(record.header("dead_letter_reason") == "too_large")
            #expect(record.header("event_id") != nil)
            #expect(try await place.positions(in: place.topic, atLeast: 1) == [2])
        }
    }

    @Test func `what has no topic goes there without one`() async throws {
        try await PoisonFixture.with { place in
            let dead = try await deadTopic(place)
            let change: (inout KafkaPublisherOptions) -> Void = { $0.route.allowlist = TopicAllowlist([place.topic]) }
            try await place.relaying(.deadLetterTopic(dead), change: change) { _ in
                try await place.append("a", "Bad", "Good")
                try await place.waitForCheckpoints(2)
            }
            let record = try #require(try await place.kafka.readAll([dead.description]).first)
            #expect(record.header("dead_letter_reason") == "no_topic" && record.header("dead_letter_topic") == nil)
            #expect(record.header("dead_letter_error")?.contains("topics_allowed") == true)
        }
    }

    @Test(.onEmbeddedBroker) func `what it rejects too halts its segment`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            let dead = try await deadTopic(place)
            for topic in [place.badTopic, dead.description] {
                await broker.inject(Fault(.refuse(KafkaErrorCode(.invalidRecord)), on: .produce, topic: topic))
            }
            try await place.relaying(.deadLetterTopic(dead)) { _ in
                try await place.append("a", "Bad")
                try await place.waitForRows(["1 halted!"])
                #expect(try await place.all()[0].error.contains("the dead-letter topic does not take it either"))
                await broker.removeAllFaults()
                try await place.redrive()
                try await place.waitForRows(["1 redriven!"])
            }
            #expect(try await place.kafka.readAll([dead.description]).isEmpty)
        }
    }

    /// A batch larger than the topic's limit would be rejected whole.
    @Test func `batches fit the topic's limit too`() async throws {
        try await PoisonFixture.with { place in
            let small = try await deadTopic(place, settings: ["max.message.bytes": "20000"])
            let registry = PrometheusRegistry()
            let publisher = try withMetricsFactory(registry) {
                try place.kafka.publisher(small.description, .mustExist)
            }
            for start in [0, 1_000] {
                try await publisher.deliver(
                    try await EventRows.batch(
                        EventRows.sql("g", rows: (start + 1)...(start + 1_000), payload: "repeat('x', 500)")))
            }
            await publisher.close()
            expectAll(try await place.kafka.readAll([small.description]), 2_000)
            let lines = registry.exposition().split(separator: "\n")
            #expect(lines.contains { $0.contains("class=\"poison\"") && $0.hasSuffix(" 0") })
        }
    }

    /// Where the user says how large a batch is, the broker may reject one whose records are all small enough.
    @Test func `a batch that is too large makes none of its records undeliverable`() async throws {
        try await PoisonFixture.with { place in
            let small = try await deadTopic(place, settings: ["max.message.bytes": "20000"])
            let registry = PrometheusRegistry()
            let publisher = try withMetricsFactory(registry) {
                try place.kafka.publisher(small.description, .mustExist, properties: ["batch.size": "1000000"])
            }
            try await publisher.deliver(
                try await EventRows.batch(EventRows.sql("g", rows: 1...200, payload: "repeat('x', 500)")))
            await publisher.close()
            expectAll(try await place.kafka.readAll([small.description]), 200)
            let lines = registry.exposition().split(separator: "\n")
            #expect(lines.contains { $0.contains("class=\"poison\"") && !$0.hasSuffix(" 0") })
        }
    }

    @Test func `a topic's own limit counts`() async throws {
        try await PoisonFixture.with { place in
            let dead = try await deadTopic(place)
            let small = try await deadTopic(place, settings: ["max.message.bytes": "3000"])
            let large = try await deadTopic(place, settings: ["max.message.bytes": "4000000"])
            let change: (inout KafkaPublisherOptions) -> Void = { options in
                options.maximumRecordBytes = nil
                options.route.topicsByEventType = ["Small": .fixed(small), "Large": .fixed(large)]
            }
            try await place.relaying(.deadLetterTopic(dead), change: change) { _ in
                try await place.append("a", "Small", "Large", "Good", bytes: 2_000)
                try await place.append("a", "Small", "Large", "Good", bytes: 5_000)
                try await place.append("a", "Large", "Good", bytes: 3_000_000)
                try await place.waitForCheckpoints(8)
            }
            #expect(try await place.positions(in: small.description, atLeast: 1) == [1])
            #expect(try await place.positions(in: large.description, atLeast: 3) == [2, 5, 7])
            #expect(try await place.positions(in: place.topic, atLeast: 2) == [3, 6])
            #expect(try await place.positions(in: dead.description, atLeast: 2) == [4, 8])
        }
    }
}

extension TopicTemplate {
    fileprivate static func fixed(_ topic: TopicName) -> TopicTemplate {
        // A topic's name is a template without fields.
        do { return try TopicTemplate(topic.description) } catch { preconditionFailure("\(error)") }
    }
}
