import FoundationEssentials
import Glibc
import Kafka
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// A table that is not Godwit's changes under a running relay, or is not as it was configured.
@Suite struct ChangingSourceTests {
    private static let table = """
        CREATE TABLE outbox (
            no bigserial PRIMARY KEY, id uuid NOT NULL DEFAULT gen_random_uuid(), subject text NOT NULL,
            type text NOT NULL DEFAULT 'E', body jsonb NOT NULL DEFAULT '{"n": 1}', unread text);
        """

    private static func source(_ schema: String) -> String {
        """
        source:
          table: \(schema).outbox
          columns: { position: no, event_id: id, aggregate_type: { value: Order }, aggregate_id: subject, event_type: type,
                     payload: body }
        """
    }

    private func with(_ body: (SourceFixture) async throws -> Void) async throws {
        try await SourceFixture.with { place in
            try await place.execute(Self.table)
            try place.configure(Self.source(place.schema))
            try await place.migrate()
            try await body(place)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `types that are altered under a running relay are read as they are by then`() async throws {
        try await with { place in
            let relay = try place.run()
            var count = 0
            for change in [
                "SELECT 1", "ALTER TABLE outbox ALTER body DROP DEFAULT, ALTER body TYPE text",
                "ALTER TABLE outbox ALTER body TYPE json USING body::json",
                "ALTER TABLE outbox ALTER body TYPE bytea USING convert_to(body::text, 'UTF8')",
                "ALTER TABLE outbox ALTER id DROP DEFAULT, ALTER id TYPE text",
                "ALTER TABLE outbox ALTER subject TYPE varchar(30), ALTER type TYPE varchar(30)",
                "ALTER TABLE outbox ALTER subject TYPE bigint USING subject::bigint",
            ] {
                try await place.execute(change)
                try await place.execute(
                    """
                    INSERT INTO outbox (id, subject, body) SELECT gen_random_uuid()\(count >= 20 ? "::text" : ""), \
                    7, '{"n": \(count)}' FROM generate_series(1, 5)
                    """)
                count += 5
                let records = try await place.receive(count)
                #expect(records.count == count)
                let values = records.map { $0.value.map { String(decoding: $0, as: UTF8.self) } }
                #expect(values.suffix(5).allSatisfy { $0 == "{\"n\": \(count - 5)}" }, "\(change): \(values.suffix(5))")
                #expect(records.allSatisfy { $0.header("aggregate_id") == "7" })
            }
            let verified = try await place.command("verify", "--consumer", "all")
            #expect(verified.exitCode == 0, "\(verified.standardOutput)\(verified.standardError)")
            try await place.stop(relay)
        }
    }

    @Test(
        .timeLimit(.minutes(3)),
        arguments: [
            ("ALTER TABLE outbox RENAME body TO content", "ALTER TABLE outbox RENAME content TO body", "\"body\""),
            (
                "ALTER TABLE outbox ALTER subject TYPE bytea USING subject::bytea",
                "ALTER TABLE outbox ALTER subject TYPE text USING convert_from(subject, 'UTF8')", "\"subject\""
            ),
            (
                "ALTER TABLE outbox DROP CONSTRAINT outbox_pkey, ALTER no DROP NOT NULL",
                "ALTER TABLE outbox ALTER no SET NOT NULL, ADD PRIMARY KEY (no)", "\"no\""
            ),
        ])
    func `what cannot be read any more is refused by name, and read once it is fixed`(
        _ change: String, _ repair: String, _ name: String
    ) async throws {
        try await with { place in
            let relay = try place.run()
            try await place.execute("INSERT INTO outbox (subject) VALUES ('a')")
            _ = try await place.receive(1)
            try await place.execute(change)
            // What comes now, in whatever shape, comes later and whole.
            let column = change.contains("RENAME") ? "content" : "body"
            try await place.execute("INSERT INTO outbox (subject, \(column)) VALUES ('b', '{\"n\": 1}')")
            try await eventually("no refusal is shown") {
                let status = try await place.command("status", "--json")
                return status.standardOutput.contains(name.replacing("\"", with: "\\\""))
            }
            let status = try await place.command("status")
            #expect(!status.standardOutput.contains("migrate"), "\(status.standardOutput)")
            let doctor = try await place.command("doctor")
            #expect(doctor.standardOutput.contains(name) && doctor.exitCode != 0)
            let lines = doctor.standardOutput.split(separator: "\n").filter { $0.contains(name) }
            #expect(!lines.contains { $0.contains("migrate") }, "\(doctor.standardOutput)")
            let preview = try await place.command("preview", "--consumer", "all")
            #expect(name == "\"no\"" || preview.exitCode != 0, "\(preview.standardOutput)")
            try await place.execute(repair)
            let records = try await place.receive(2)
            let aggregates = records.compactMap { $0.header("aggregate_id") }
            #expect(aggregates.first == "a" && aggregates.last == "b" && Set(aggregates).count == 2)
            try await place.stop(relay)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `rights by column suffice, and one that is wanting is named with its grant`() async throws {
        try await with { place in
            let role = "relay_\(place.schema)"
            try await place.execute("CREATE ROLE \(role) LOGIN")
            do {
                let granted = try await place.command("migrate", "--grants", role)
                #expect(granted.exitCode == 0, "\(granted.standardError)")
                try await place.execute(
                    """
                    REVOKE SELECT ON outbox FROM \(role); GRANT SELECT (no, id, subject, type) ON outbox TO \(role);
                    INSERT INTO outbox (subject) VALUES ('a')
                    """)
                try place.configure(Self.source(place.schema), user: role)
                let grant = #"GRANT SELECT ("body") ON "\#(place.schema)"."outbox" TO "\#(role)""#
                let doctor = try await place.command("doctor")
                #expect(doctor.standardOutput.contains(grant) && doctor.exitCode != 0, "\(doctor.standardOutput)")
                // What a person must grant is reported at once, and ends the start.
                let refused = try await deadline { try await place.run().result() }
                // In a log in JSON.
                let text = refused.standardError.replacing(#"\""#, with: "\"")
                #expect(text.contains(grant) && refused.exitCode != 0, "\(refused.standardError)")
                try await place.execute(grant)
                let relay = try place.run()
                let records = try await place.receive(1)
                #expect(records.count == 1)
                let well = try await place.command("doctor")
                #expect(well.exitCode == 0, "\(well.standardOutput)")
                let status = try await place.command("status")
                #expect(status.exitCode == 0, "\(status.standardOutput)")
                try await place.stop(relay)
            } catch {
                try await place.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
                throw error
            }
            try await place.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
        }
    }

    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            ("CREATE VIEW seen AS SELECT * FROM outbox", "seen", "no", "view"),
            ("SELECT 1", "outbox", "nothing", "no column \"nothing\""), ("SELECT 1", "absent", "no", "does not exist"),
            ("SELECT 1", "outbox", "subject", "source.columns.position takes"),
        ])
    func `what is not as configured is refused by each command, in words`(
        _ make: String, _ table: String, _ position: String, _ words: String
    ) async throws {
        try await with { place in
            try await place.execute(make)
            try place.configure(
                Self.source(place.schema).replacing(".outbox", with: "." + table)
                    .replacing("position: no", with: "position: \(position)"))
            for command in [
                ["verify", "--consumer", "all"], ["republish", "--consumer", "all", "--job", "j"], ["status"],
            ] {
                var program = Command.godwit(environment: ["GODWIT_CONFIG": place.folder.path + "/godwit.yaml"])
                program.arguments = command
                let result = try await program.run()
                let text = result.standardOutput + result.standardError
                #expect(text.contains(words), "\(command): \(text)")
                #expect(result.exitCode != 0)
            }
        }
    }
}
