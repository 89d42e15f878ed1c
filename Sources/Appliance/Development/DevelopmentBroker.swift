import Kafka
package import KafkaTestBroker
import Logging

/// The broker of `dev` and `demo`, in this process, with everything in memory.
package struct DevelopmentBroker: Sendable {
    private let broker: KafkaTestBroker

    package var bootstrapServers: String { broker.bootstrapServers }

    package static func start() async throws(BrokerError) -> DevelopmentBroker {
        var configuration = BrokerConfiguration()
        // A mistyped topic is to be told, not made.
        configuration.autoCreateTopics = false
        return DevelopmentBroker(broker: try await KafkaTestBroker.start(configuration))
    }

    package func createTopics(_ names: [String], partitions: Int) async throws {
        let client = ClientConfiguration(bootstrapServers: bootstrapServers)
        let results = try await Admin.with(client, logger: Logger(label: "godwit.broker")) { admin throws(KafkaError) in
            try await admin.createTopics(names.map { TopicSpecification($0, partitions: partitions) })
        }
        for case let error? in results.values { throw error }
    }

    package func stop() async { await broker.stop() }
}
