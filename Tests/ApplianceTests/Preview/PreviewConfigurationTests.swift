import KafkaBridge
import TestSupport
import Testing

@testable import Appliance

@Suite struct PreviewConfigurationTests {
    private static func load(_ text: String, _ environment: [String: String] = [:]) throws -> PreviewConfiguration {
        let folder = try TestFolder()
        let file = try folder.write("godwit.yaml", "database: { url: \"host=db\" }\n" + text)
        return try PreviewConfiguration.load("a", file: file, environment: environment)
    }

    @Test func `a configuration that runs is read whole`() throws {
        let loaded = try Self.load("kafka: { bootstrap_servers: k }\nconsumers: { a: { topic: t }, b: { topic: u } }")
        #expect(loaded.problems.isEmpty && loaded.kafkaProblem == nil)
        #expect(loaded.configuration.consumers.count == 2)
    }

    @Test(arguments: [
        "consumers: { a: { topic: t }, b: { topic: \"{nope}\" } }", "consumers: { a: { topic: t }, b: { tpic: u } }",
        "consumers: { a: { topic: t }, b: 7 }", "consumers: { a: { topic: t }, \"no name\": { topic: u } }",
        "worker: { batch_size: lots }\nconsumers: { a: { topic: t } }",
        "admin: { listn: x }\nconsumers: { a: { topic: t } }", "nonsense: 1\nconsumers: { a: { topic: t } }",
        "consumers: { a: { topic: t, topic_settings: { retention.ms: 1 } }, b: { topic: t } }",
    ])
    func `what is wrong elsewhere is passed over and said`(text: String) throws {
        guard !text.hasPrefix("nonsense") else {
            // Nobody knows what it belongs to.
            #expect(throws: ConfigurationError.self) { try Self.load("kafka: { bootstrap_servers: k }\n" + text) }
            return
        }
        let loaded = try Self.load("kafka: { bootstrap_servers: k }\n" + text)
        #expect(!loaded.problems.isEmpty && loaded.kafkaProblem == nil)
        #expect(loaded.configuration.consumers.map(\.name) == ["a"] && loaded.consumer.topic?.description == "t")
        #expect(loaded.configuration.kafka.bootstrapServers == "k")
    }

    @Test func `without Kafka, or with a wrong one, the rest is read`() throws {
        let none = try Self.load("consumers: { a: { topic: t } }")
        #expect(none.problems.isEmpty && none.kafkaProblem == nil)
        let wrong = try Self.load("kafka: { bootstrap_servers: \"k:0\" }\nconsumers: { a: { topic: t } }")
        #expect(wrong.kafkaProblem != nil && wrong.problems.map(\.code) == [.bootstrapServers])
        let variable = try Self.load(
            "kafka: { bootstrap_servers: k }\nconsumers: { a: { topic: t } }",
            ["GODWIT_CONSUMERS_B_FORMAT": "xml", "GODWIT_WORKER_BATCH_SIZE": "x"])
        #expect(variable.kafkaProblem == nil && variable.problems.count >= 2)
    }

    @Test func `what is wrong with the consumer, the database or the name is an error`() throws {
        #expect(throws: ConfigurationError.self) { try Self.load("consumers: { a: { topic: \"{nope}\" } }") }
        #expect(throws: ConfigurationError.self) {
            try Self.load("database: { url: x }\nconsumers: { a: { topic: t } }")
        }
        let failure = try #require(throws: Failure.self) {
            try Self.load("consumers: { b: { topic: t }, c: { tpic: t } }")
        }
        #expect(failure.status == .usage && failure.message.contains("it has b, c"))
    }
}
