import Kafka
import KafkaTestBroker
import TestSupport
import Testing

/// What clients that nobody here wrote see. With `GODWIT_TEST_KAFKA` the same scripts run against other brokers, so that every
/// expectation in them is Kafka's.
@Suite("Conformance")
struct ConformanceTests {
    @Test(
        .enabled("the scripts speak to one node, whom they take for the leader of everything") {
            guard let brokers = TestKafka.outside else { return true }
            let client = ClientConfiguration(bootstrapServers: brokers)
            return try await Admin.with(client, logger: quiet) { admin throws(KafkaError) in
                try await admin.describeCluster().brokers.count == 1
            }
        },
        arguments: [
            "administration.py", "compression.py", "groups.py", "idempotence.py", "kafka_python.py", "kcat.sh",
            "limits.py", "offsets.py", "produce_consume.py", "transactions.py",
        ])
    func `clients see what they see of Apache Kafka`(_ name: String) async throws {
        if let brokers = ConformanceEnvironment.foreignBrokers {
            try await Self.expectSuccess(name, brokers)
        } else {
            let broker = try await KafkaTestBroker.start()
            try await Self.expectSuccess(name, broker.bootstrapServers)
            await broker.stop()
        }
    }

    private static func expectSuccess(_ name: String, _ brokers: String) async throws {
        let result = try await ConformanceEnvironment.run(name, [brokers])
        #expect(result.exitCode == 0, "\(result.standardOutput.suffix(600))\n\(result.standardError.suffix(1500))")
        #expect(result.standardOutput.contains("ok "))
    }
}
