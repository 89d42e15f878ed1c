import FoundationEssentials
package import Kafka
package import KafkaTestBroker
import Testing

/// The brokers of a test: those that `GODWIT_TEST_KAFKA` names, else an embedded broker that the tests of this process share.
///
/// Tests keep apart by topics of their own. A test that injects faults takes a broker of its own, by ``withBroker``.
package struct TestKafka: Sendable {
    /// The brokers that `GODWIT_TEST_KAFKA` names. They belong to others: no test hurts them.
    package static let outside: String? = {
        let servers = ProcessInfo.processInfo.environment["GODWIT_TEST_KAFKA"] ?? ""
        return servers.isEmpty ? nil : servers
    }()

    package let bootstrapServers: String

    package init(bootstrapServers: String) { self.bootstrapServers = bootstrapServers }

    package init() async throws {
        if let outside = Self.outside {
            bootstrapServers = outside
        } else {
            bootstrapServers = try await SharedBroker.instance.broker().bootstrapServers
        }
    }

    /// Runs a test on an embedded broker that nobody else uses, and stops it.
    package static func withBroker<Value>(
        nodes: Int = 1, _ body: (_ kafka: TestKafka, _ broker: KafkaTestBroker) async throws -> Value
    ) async throws -> Value {
        var configuration = BrokerConfiguration()
        configuration.nodes = nodes
        configuration.autoCreateTopics = false
        let broker = try await KafkaTestBroker.start(configuration)
        do {
            let value = try await body(TestKafka(bootstrapServers: broker.bootstrapServers), broker)
            await broker.stop()
            return value
        } catch {
            await broker.stop()
            throw error
        }
    }

    /// A client's configuration for these brokers, which comes back soon after an outage.
    package func client(_ properties: [String: String] = [:]) -> ClientConfiguration {
        ClientConfiguration(
            bootstrapServers: bootstrapServers,
            properties: [
                "reconnect.backoff.ms": "10", "reconnect.backoff.max.ms": "50", "retry.backoff.ms": "5",
            ].merging(properties) { $1 }, clientID: "test")
    }

    /// A topic's name that no other test uses.
    package func uniqueTopic(_ stem: String = "topic") -> String { TestDatabase.uniqueName(stem) }

    /// Makes a topic that no other test uses, and gives its name.
    package func makeTopic(_ stem: String = "topic", partitions: Int = 4) async throws -> String {
        let name = uniqueTopic(stem)
        try await createTopic(name, partitions: partitions)
        return name
    }

    package func createTopic(_ name: String, partitions: Int = 4) async throws {
        let specification = TopicSpecification(name, partitions: partitions)
        let brokers = try await Admin.with(client(), logger: quiet) { admin throws(KafkaError) in
            if let failure = try await admin.createTopics([specification])[name] ?? nil { throw failure }
            return try await admin.describeCluster().brokers
        }
        // Brokers hear of it a moment later, each for itself. A client that knows no other broker asks this one.
        for broker in brokers {
            let one = ClientConfiguration(bootstrapServers: broker.address)
            try await eventually("topic \(name) does not show at \(broker.address)") {
                try await Admin.with(one, logger: quiet) { admin throws(KafkaError) in
                    try await admin.describeTopics([name])[0].partitionCount == partitions
                }
            }
        }
    }

    /// Everything that some topics hold now, per partition in its order.
    package func readAll(_ topics: [String], within limit: Duration = .seconds(30)) async throws -> [ConsumedRecord] {
        let reader = try Reader(client(), logger: quiet)
        try await reader.assign(topics, within: limit)
        let records = try await reader.readToEnd(within: limit)
        await reader.close()
        return records
    }

    /// Reads topics from their beginning until a condition holds for all records so far.
    package func read(
        _ topics: [String], within limit: Duration = .seconds(60), until isEnough: ([ConsumedRecord]) -> Bool
    ) async throws -> [ConsumedRecord] {
        let deadline = ContinuousClock.now + limit
        let reader = try Reader(client(), logger: quiet)
        try await reader.assign(topics, within: limit)
        var records: [ConsumedRecord] = []
        while !isEnough(records) {
            guard ContinuousClock.now < deadline else {
                await reader.close()
                throw Overdue(records: records.count, limit: limit)
            }
            records += try await reader.poll(within: .milliseconds(200))
        }
        await reader.close()
        return records
    }

    package struct Overdue: Error, CustomStringConvertible {
        let records: Int
        let limit: Duration

        package var description: String { "not enough after \(limit): \(records) records" }
    }
}

/// The embedded broker that the tests of this process share; gone with the process.
private actor SharedBroker {
    static let instance = SharedBroker()

    private var starting: Task<KafkaTestBroker, any Error>?

    func broker() async throws -> KafkaTestBroker {
        if let starting { return try await starting.value }
        // A bare task, because all tests that ask at once wait for one start, which must not end with any one of them.
        let task = Task {
            var configuration = BrokerConfiguration()
            configuration.autoCreateTopics = false
            return try await KafkaTestBroker.start(configuration)
        }
        starting = task
        return try await task.value
    }
}
