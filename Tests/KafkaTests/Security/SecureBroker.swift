import Kafka
import KafkaTestBroker
import TestSupport

/// A broker that asks who comes, and clients of it.
struct SecureBroker {
    static let user = "relay"
    static let password = "pass,word=of relay"
    static let tokenSecret = "secret-that-signs-tokens"

    let certificates: TestCertificates
    let broker: KafkaTestBroker
    let configuration: BrokerConfiguration

    static func with(
        _ change: (inout BrokerConfiguration, TestCertificates) -> Void,
        _ body: (SecureBroker) async throws -> Void
    ) async throws {
        let certificates = try await TestCertificates()
        var configuration = BrokerConfiguration()
        configuration.tls = .init(certificateFile: certificates.server, keyFile: certificates.serverKey)
        change(&configuration, certificates)
        let broker = try await KafkaTestBroker.start(configuration)
        do {
            try await body(
                SecureBroker(certificates: certificates, broker: broker, configuration: configuration))
            await broker.stop()
        } catch {
            await broker.stop()
            throw error
        }
    }

    /// Over TLS with the right authority, and what else is given.
    func client(_ properties: [String: String] = [:], tokens: TokenSource? = nil) -> ClientConfiguration {
        ClientConfiguration(
            bootstrapServers: broker.bootstrapServers,
            properties: [
                "security.protocol": "sasl_ssl", "ssl.ca.location": certificates.authority,
                "reconnect.backoff.ms": "10", "reconnect.backoff.max.ms": "50",
            ].merging(properties) { $1 }, clientID: "test", tokens: tokens)
    }

    static func login(_ mechanism: String, password: String = password) -> [String: String] {
        ["sasl.mechanism": mechanism, "sasl.username": user, "sasl.password": password]
    }

    /// What an administrator's first question comes to.
    static func refusal(_ client: ClientConfiguration) async throws -> KafkaError? {
        let admin: Admin
        do throws(KafkaError) { admin = try Admin(client, logger: quiet) } catch { return error }
        do throws(KafkaError) {
            _ = try await admin.describeCluster(within: .seconds(8))
            await admin.close()
            return nil
        } catch {
            await admin.close()
            return error
        }
    }

    /// Carries one record the whole way: a topic made by the admin, written by the producer, read by the reader.
    static func carriesARecord(_ client: ClientConfiguration) async throws -> Bool {
        let topic = TestDatabase.uniqueName("secure")
        let admin = try Admin(client, logger: quiet)
        let made = try await admin.createTopics([TopicSpecification(topic, partitions: 1)])
        await admin.close()
        if let failure = made[topic] ?? nil { throw failure }
        let producer = try Producer(client, logger: quiet)
        let handle = try await producer.prepare([topic], within: .seconds(20))[0]
        let batch = await producer.produce(Numbers(handle, 0..<1))
        let isDelivered = await batch.settled().isDelivered
        await producer.close()
        let reader = try Reader(client, logger: quiet)
        try await reader.assign([topic])
        let records = try await reader.readToEnd()
        await reader.close()
        return isDelivered && records.count == 1
    }
}
