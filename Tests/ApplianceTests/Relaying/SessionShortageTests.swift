import EventSourcing
import Glibc
import LocalPostgres
import TestSupport
import Testing

@testable import Appliance
@testable import Postgres

/// Which sessions at the database a relay has, which are missing, and how that is reported.
@Suite struct SessionShortageTests {
    private let need = SessionNeed(purposes: [(.control, 1), (.reader, 1), (.lane, 2), (.listener, 1)])

    private func wait(
        _ purpose: SessionPurpose, _ refusal: PostgresError? = nil, isHanging: Bool = false
    ) -> SessionWaits.Wait {
        SessionWaits.Wait(purpose: purpose, duration: .seconds(5), refusal: refusal, isHanging: isHanging)
    }

    private let tooMany = PostgresError(
        .connectionFailed, "too many connections for role", sqlState: SQLState(rawValue: "53300"))

    @Test func `a server without room is told from one that is away`() {
        let shortage = SessionShortage(need: need)
        let away = PostgresError(.connectionFailed, "connection refused")
        #expect(shortage.text([wait(.control, away), wait(.reader, away)], isPooled: false) == nil)
        #expect(shortage.text([], isPooled: true) == nil)
        #expect(
            shortage.text([wait(.reader, tooMany)], isPooled: false)
                == "waits for a database session (reader): too many connections for role; a relay needs 5 sessions at most "
                + "(control, reader, 2 lanes, listener)")
    }

    @Test func `a session that hangs is missing behind a pooler, or while others are there`() {
        let shortage = SessionShortage(need: need)
        let hanging = [wait(.control, isHanging: true)]
        #expect(shortage.text(hanging, isPooled: false) == nil)
        #expect(shortage.text(hanging, isPooled: true)?.contains("(control): the pooler gives none") == true)
        let lane = [wait(.lane, isHanging: true), wait(.listener, isHanging: true)]
        #expect(shortage.text(lane, isPooled: false)?.contains("(lane, listener)") == true)
    }

    @Test func `the configuration says how many sessions there are, whatever the consumers`() throws {
        var text = ConfigurationFileTests.least
        #expect(try ConfigurationFileTests.read(text).configuration.sessionNeed.count == 5)
        text += "\nadmin: { listen: \"127.0.0.1:0\" }\nnotify: { mode: never }\n"
        #expect(
            try ConfigurationFileTests.read(text).configuration.sessionNeed.text
                == "5 sessions at most (control, reader, 2 lanes, status)")
        text += "audit: { interval: 5m }\n"
        #expect(
            try ConfigurationFileTests.read(text).configuration.sessionNeed.text
                == "7 sessions at most (control, reader, 2 lanes, status, 2 audits)")
    }

    @Test(.timeLimit(.minutes(2)))
    func `a role with too few connections is reported, waited for, and goes on once it has more`() async throws {
        let server = try await LocalPostgres.start()
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic("identity")
        let admin = try await Connection.open(ConnectionConfiguration(server.url), logger: quiet)
        try await admin.execute(script: "CREATE ROLE relay LOGIN CONNECTION LIMIT 2")
        var variables = [
            "GODWIT_DATABASE_URL": server.url, "GODWIT_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrapServers,
            "GODWIT_CONSUMERS_IDENTITY_TOPIC": topic, "GODWIT_WORKER_POLL_INTERVAL": "20ms",
        ]
        let migrate = try await Command.godwit("migrate", "--grants", "relay", environment: variables).run()
        try #require(migrate.exitCode == 0, "\(migrate.standardError)")
        variables["GODWIT_DATABASE_URL"] = server.url(user: "relay")
        let examined = try await Command.godwit("doctor", environment: variables).run()
        #expect(
            examined.standardOutput.contains("the connection limit of the role relay leaves room for 2"),
            "\(examined.standardOutput)")
        let port = try AdminPort()
        let relay = try Command.godwit("run", environment: variables.merging(port.variables) { $1 }).start()
        try await eventually("the probe says what is waited for") {
            guard let answer = try? await port.get("/readyz") else { return false }
            return answer.status == 503 && answer.body.contains("waits for a database session")
                && answer.body.contains("too many connections for role")
        }
        #expect(await relay.waitForError("leaves room for 2 (0 of 2 are used)"))
        #expect(await relay.waitForError("waits for a database session"))
        try await admin.execute(script: "ALTER ROLE relay CONNECTION LIMIT 20")
        try await port.wait(for: 200, at: "/readyz")
        relay.send(SIGTERM)
        #expect(await relay.result().exitCode == 0)
        await admin.close()
        await server.stop()
    }
}
