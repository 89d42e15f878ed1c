import FoundationEssentials
package import Kafka
import Logging

/// The brokers of one test: those that `GODWIT_TEST_KAFKA` names, else a mock cluster of its own.
package struct TestKafka: Sendable {
    package let bootstrapServers: String
    /// The mock cluster, for faults; nil on brokers from outside.
    package let cluster: TestCluster?

    package init(brokers: Int = 1) throws {
        if let servers = ProcessInfo.processInfo.environment["GODWIT_TEST_KAFKA"], !servers.isEmpty {
            bootstrapServers = servers
            cluster = nil
        } else {
            let cluster = try TestCluster(brokers: brokers)
            self.cluster = cluster
            bootstrapServers = cluster.bootstrapServers
        }
    }

    /// A client's configuration for these brokers.
    package func client(_ properties: [String: String] = [:]) -> ClientConfiguration {
        ClientConfiguration(bootstrapServers: bootstrapServers, properties: properties, clientID: "test")
    }

    /// Makes a topic that no other test uses, and gives its name.
    package func makeTopic(_ stem: String = "topic", partitions: Int = 4) async throws -> String {
        let name = TestDatabase.uniqueName(stem)
        try await createTopic(name, partitions: partitions)
        return name
    }

    package func createTopic(_ name: String, partitions: Int = 4) async throws {
        if let cluster {
            try cluster.createTopic(name, partitions: partitions)
            return
        }
        let admin = try Admin(client(), logger: Logger(label: "test"))
        let results = try await admin.createTopics([TopicSpecification(name, partitions: partitions)])
        await admin.close()
        if let failure = results[name] ?? nil { throw failure }
    }

    /// Everything that some topics hold now, per partition in its order.
    package func readAll(_ topics: [String], within limit: Duration = .seconds(30)) async throws -> [ConsumedRecord] {
        let reader = try Reader(client(), logger: Logger(label: "test"))
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
        let reader = try Reader(client(), logger: Logger(label: "test"))
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
