import EventSourcing
import FoundationEssentials
import Glibc
import Kafka
import KafkaTestBroker
import LocalPostgres
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// Secrets that are replaced while a relay runs.
@Suite struct RotatedSecretTests {
    /// How long the flow lasts; `GODWIT_TEST_ROTATION` (seconds, then seconds between changes) makes it longer.
    private static let (length, period): (Double, Double) = {
        let parts = (ProcessInfo.processInfo.environment["GODWIT_TEST_ROTATION"] ?? "").split(separator: " ")
            .compactMap { Double($0) }
        return parts.count == 2 ? (parts[0], parts[1]) : (12, 1)
    }()

    @Test(.timeLimit(.minutes(15)), arguments: [true, false])
    func `a database password that changes all the time stops nothing`(byCommand: Bool) async throws {
        let folder = try TestFolder()
        var options = LocalPostgres.Options()
        options.authentication = .scram(password: "first")
        let server = try await LocalPostgres.start(options)
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic("identity")
        let file = try folder.write("password", "first\n")
        let socket = "host=\(server.socketDirectory) port=\(server.port) user=postgres dbname=postgres"
        var variables = [
            "GODWIT_DATABASE_URL": "postgres://postgres@127.0.0.1:\(server.port)/postgres",
            "GODWIT_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrapServers, "GODWIT_CONSUMERS_IDENTITY_TOPIC": topic,
            "GODWIT_WORKER_POLL_INTERVAL": "20ms",
        ]
        if byCommand {
            variables["GODWIT_DATABASE_PASSWORD_COMMAND"] = "cat, \(file)"
        } else {
            variables["GODWIT_DATABASE_PASSWORD_FILE"] = file
        }
        let migrated = try await Command.godwit("migrate", environment: variables).run()
        try #require(migrated.exitCode == 0, "\(migrated.standardError)")
        let admin = try await Connection.open(ConnectionConfiguration(socket), logger: quiet)
        let relay = try Command.godwit("run", environment: variables).start()
        let store = EventStore()
        var count = 0
        let clock = ContinuousClock()
        let end = clock.now.advanced(by: .seconds(Self.length))
        var change = clock.now.advanced(by: .seconds(Self.period))
        while clock.now < end {
            for _ in 0..<10 {
                let event = Event.sample("user-\(count % 20)")
                count += 1
                _ = try await admin.withTransaction { try await store.append([event], expecting: .any, in: $0) }
            }
            if clock.now > change {
                change = clock.now.advanced(by: .seconds(Self.period))
                try folder.write("password", "changed-\(count)\n")
                try await admin.execute(script: "ALTER ROLE postgres PASSWORD 'changed-\(count)'")
                try await admin.query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = 'postgres'"
                )
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        let records = try await deadline(.seconds(60)) { [count] in
            try await kafka.read([topic]) { $0.eventIDs.count >= count }
        }
        #expect(records.eventIDs.count == count && records.isInOrder)
        relay.send(SIGTERM)
        let result = await relay.result()
        #expect(result.exitCode == 0, "\(result.standardError.suffix(2000))")
        await admin.close()
        await server.stop()
    }

    @Test(.timeLimit(.minutes(2)))
    func `a command that gives no password ends the start with a clear error`() async throws {
        let result = try await Command.godwit(
            "run",
            environment: [
                "GODWIT_DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
                "GODWIT_DATABASE_PASSWORD_COMMAND": "/bin/sh, -c, echo hush; echo no token >&2; exit 2",
                "GODWIT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "GODWIT_CONSUMERS_A_TOPIC": "a",
            ]
        ).run()
        #expect(result.exitCode == 78, "\(result.standardError)")
        #expect(
            result.standardError.contains("the password command /bin/sh ended with exit code 2, and says: no token"))
        #expect(!result.standardError.contains("hush\n"))
    }

    private func broker(_ port: Int, _ password: String, _ certificates: TestCertificates) async throws
        -> KafkaTestBroker
    {
        var configuration = BrokerConfiguration()
        configuration.port = port
        configuration.users = ["relay": password]
        configuration.tls = .init(certificateFile: certificates.server, keyFile: certificates.serverKey)
        return try await KafkaTestBroker.start(configuration)
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["password", "authority"])
    func `a relay takes the broker's new secret from its file`(_ what: String) async throws {
        let folder = try TestFolder()
        let (old, new) = (try await TestCertificates(), try await TestCertificates())
        let authority = try folder.write("ca.pem", TestFolder.read(old.authority))
        let password = try folder.write("password", "before\n")
        let first = try await broker(0, "before", old)
        let port = try #require(first.ports.first)
        try await TestStore.with { test in
            let kafka = TestKafka(bootstrapServers: first.bootstrapServers)
            let place = RelayFixture(test: test, kafka: kafka, topic: "identity")
            let relay = try place.run([
                "GODWIT_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256", "GODWIT_KAFKA_SASL_USERNAME": "relay",
                "GODWIT_KAFKA_SASL_PASSWORD_FILE": password, "GODWIT_KAFKA_TLS_CA_FILE": authority,
                "GODWIT_KAFKA_TOPICS_CREATE": "true", "GODWIT_KAFKA_PROPERTIES_RECONNECT_BACKOFF_MAX_MS": "200",
            ])
            _ = try await place.append(5)
            #expect(try await records(port, "before", old, atLeast: 5))
            await first.stop()
            // The broker comes back with what no client knows yet.
            let second =
                what == "password"
                ? try await broker(port, "after", old) : try await broker(port, "before", new)
            let ids = try await place.append(5, from: 5)
            #expect(await relay.waitForError("Kafka cannot be reached"))
            if what == "password" {
                try folder.write("password", "after\n")
                #expect(try await records(port, "after", old, atLeast: ids.count))
            } else {
                try folder.write("ca.pem", TestFolder.read(new.authority))
                #expect(try await records(port, "before", new, atLeast: ids.count))
            }
            #expect(relay.standardError.contains("were replaced since it was made"))
            relay.send(SIGTERM)
            let result = await relay.result()
            #expect(result.exitCode == 0, "\(result.standardError.suffix(1500))")
            await second.stop()
        }
    }

    /// Whether the topic holds so many records in the end.
    private func records(
        _ port: Int, _ password: String, _ certificates: TestCertificates, atLeast count: Int
    ) async throws -> Bool {
        let client = ClientConfiguration(
            bootstrapServers: "127.0.0.1:\(port)",
            properties: [
                "security.protocol": "sasl_ssl", "ssl.ca.location": certificates.authority,
                "sasl.mechanism": "SCRAM-SHA-256", "sasl.username": "relay", "sasl.password": password,
            ])
        try await eventually("\(count) records are there") {
            let reader = try Reader(client, logger: quiet)
            var found = 0
            if (try? await reader.assign(["identity"], within: .seconds(2))) != nil {
                found = (try? await reader.readToEnd(within: .seconds(3)))?.count ?? 0
            }
            await reader.close()
            return found >= count
        }
        return true
    }
}
