import EventSourcing
import Glibc
import LocalPostgres
import TestSupport
import Testing

@testable import Appliance
@testable import Postgres

/// The commands behind PgBouncer, where that is installed or named by `GODWIT_TEST_PGBOUNCER`.
@Suite(.enabled(if: TestPooler.program != nil, "there is no pgbouncer"))
struct PoolerCommandTests {
    private struct Fixture {
        let server: LocalPostgres
        let kafka: TestKafka
        let topic: String

        func variables(_ url: String) -> [String: String] {
            [
                "GODWIT_DATABASE_URL": url, "GODWIT_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrapServers,
                "GODWIT_CONSUMERS_IDENTITY_TOPIC": topic, "GODWIT_WORKER_POLL_INTERVAL": "20ms",
            ]
        }

        func append(_ count: Int) async throws {
            let connection = try await Connection.open(ConnectionConfiguration(server.url), logger: quiet)
            let store = EventStore()
            for number in 0..<count {
                _ = try await connection.withTransaction {
                    try await store.append([Event.sample("user-\(number)")], expecting: .any, in: $0)
                }
            }
            await connection.close()
        }
    }

    private func with(_ body: (Fixture) async throws -> Void) async throws {
        let server = try await LocalPostgres.start()
        let kafka = try await TestKafka()
        let fixture = Fixture(server: server, kafka: kafka, topic: try await kafka.makeTopic("identity"))
        do {
            let migrated = try await Command.godwit("migrate", environment: fixture.variables(server.url)).run()
            try #require(migrated.exitCode == 0, "\(migrated.standardError)")
            try await body(fixture)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    /// As another application finds its session, which sets nothing itself.
    private func settings(_ url: String) async throws -> [String] {
        var configuration = try ConnectionConfiguration(url)
        configuration.appliesSessionSettings = false
        let connection = try await Connection.open(configuration, logger: quiet)
        let rows = try await connection.query(
            """
            SELECT name || '=' || setting FROM pg_settings WHERE source = 'session'
                AND name NOT IN ('application_name', 'client_encoding') ORDER BY 1
            """)
        let found = try rows.map { try $0.decode(0, as: String.self) }
        await connection.close()
        return found
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["transaction", "statement"])
    func `a pooler that keeps no session is refused by name, and nothing is left behind`(_ mode: String) async throws {
        try await with { fixture in
            try await fixture.append(3)
            // With one session, whatever is set in it shows.
            for size in [1, 3] {
                let pooler = try await TestPooler(before: fixture.server.port, mode: mode, poolSize: size)
                let commands = [
                    ["run"], ["republish", "--job", "one", "--consumer", "identity"],
                    ["verify", "--consumer", "identity"], ["status"],
                    ["catch-up", "identity"],
                ]
                for arguments in commands {
                    var command = Command.godwit(environment: fixture.variables(pooler.url()))
                    command.arguments = arguments
                    let result = try await deadline { [command] in try await command.run() }
                    #expect(result.exitCode == 15, "\(arguments) \(result.exitCode): \(result.standardError)")
                    // `status` answers on standard output.
                    let text = result.standardOutput + result.standardError
                    #expect(text.contains("pooler in transaction or statement mode"), "\(arguments)")
                    #expect(text.contains("pool_mode=session"), "\(arguments)")
                }
                for _ in 0..<size { #expect(try await settings(pooler.url()) == []) }
                await pooler.stop()
            }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `behind a pooler in session mode everything works`() async throws {
        try await with { fixture in
            let pooler = try await TestPooler(before: fixture.server.port, mode: "session")
            let relay = try Command.godwit("run", environment: fixture.variables(pooler.url())).start()
            try await fixture.append(20)
            let records = try await fixture.kafka.read([fixture.topic]) { $0.eventIDs.count >= 20 }
            #expect(records.eventIDs.count == 20)
            relay.send(SIGTERM)
            let result = await relay.result()
            #expect(result.exitCode == 0, "\(result.standardError)")
            await pooler.stop()
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a session pool that is too small is reported, with what is needed`() async throws {
        try await with { fixture in
            // The relay has a reader, a control session and a listener.
            let pooler = try await TestPooler(before: fixture.server.port, mode: "session", poolSize: 1)
            let port = try AdminPort()
            let variables = fixture.variables(pooler.url()).merging(port.variables) { $1 }
            let relay = try Command.godwit("run", environment: variables).start()
            try await eventually("the probe says what is waited for") {
                guard let answer = try? await port.get("/readyz") else { return false }
                return answer.status == 503 && answer.body.contains("waits for a database session")
                    && answer.body.contains("sessions at most")
            }
            #expect(await relay.waitForError("waits for a database session"))
            relay.send(SIGKILL)
            _ = await relay.result()
            await pooler.stop()
        }
    }
}
