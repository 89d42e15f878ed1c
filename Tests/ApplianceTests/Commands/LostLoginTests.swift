import Glibc
import Kafka
import KafkaTestBroker
import TestSupport
import Testing

@testable import Appliance

/// A login that is refused: a start ends, a relay that runs waits until an operator fixes it.
@Suite struct LostLoginTests {
    private func broker(_ password: String, port: Int = 0) async throws -> KafkaTestBroker {
        var configuration = BrokerConfiguration()
        configuration.port = port
        configuration.users = ["relay": password]
        return try await KafkaTestBroker.start(configuration)
    }

    @Test(.timeLimit(.minutes(4)))
    func `a running relay waits while its login is refused, and goes on when it is not`() async throws {
        let first = try await broker("right")
        let port = try #require(first.ports.first)
        let login = [
            "GODWIT_KAFKA_SASL_MECHANISM": "PLAIN", "GODWIT_KAFKA_SASL_USERNAME": "relay",
            "GODWIT_KAFKA_SASL_PASSWORD": "right", "GODWIT_KAFKA_TOPICS_CREATE": "true",
            "GODWIT_KAFKA_PROPERTIES_RECONNECT_BACKOFF_MAX_MS": "200",
        ]
        try await TestStore.with { test in
            let kafka = TestKafka(bootstrapServers: first.bootstrapServers)
            let place = RelayFixture(test: test, kafka: kafka, topic: "identity")
            let client = kafka.client([
                "security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN", "sasl.username": "relay",
                "sasl.password": "right",
            ])
            _ = try await place.append(5)
            let relay = try place.run(login)
            try await eventually("five are there") { try await count(client) == 5 }
            await first.stop()
            let other = try await broker("another", port: port)
            #expect(await relay.waitForError("Invalid username or password"))
            let ids = try await place.append(5, from: 5)
            let refused = try await place.run(login).result()
            #expect(refused.exitCode == 21, "\(refused.standardError)")
            await other.stop()
            let right = try await broker("right", port: port)
            try await eventually("those of the outage are there") { try await count(client) >= ids.count }
            relay.send(SIGTERM)
            let result = await relay.result()
            #expect(result.exitCode == 0, "\(result.standardError)")
            await right.stop()
        }
    }

    /// How many records the topic holds; none where it cannot be read.
    private func count(_ client: ClientConfiguration) async throws -> Int {
        let reader = try Reader(client, logger: quiet)
        let records: [ConsumedRecord]?
        do {
            try await reader.assign(["identity"], within: .seconds(2))
            records = try await reader.readToEnd(within: .seconds(5))
        } catch {
            records = nil
        }
        await reader.close()
        return records?.count ?? 0
    }
}
