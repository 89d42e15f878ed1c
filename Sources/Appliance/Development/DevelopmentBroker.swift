package import Kafka
import Logging

/// The broker of `dev` and `demo`, in this process: librdkafka's mock cluster, which keeps only the last 5 MiB of each
/// partition and promises nothing about durability.
package struct DevelopmentBroker: Sendable {
    private let cluster: TestCluster

    package var bootstrapServers: String { cluster.bootstrapServers }

    package static func start() throws(KafkaError) -> DevelopmentBroker {
        DevelopmentBroker(cluster: try TestCluster(logger: Logger(label: "godwit.broker")))
    }

    package func createTopic(_ name: String, partitions: Int) async throws(KafkaError) {
        try cluster.createTopic(name, partitions: partitions)
    }
}
