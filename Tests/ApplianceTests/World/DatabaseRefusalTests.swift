import Foundation
import LocalPostgres
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// A database that answers, and refuses what the relay asks of it.
@Suite(.serialized, .timeLimit(.minutes(4))) struct DatabaseRefusalTests {
    /// Each session begins well, and fails with the first read.
    @Test func `a column of another type is reported once, and as fixed only when it is`() async throws {
        try await WorldFixture.withFlowing { world in
            try await world.change("ALTER TABLE events ALTER payload TYPE text USING convert_from(payload, 'UTF8')")
            try await world.execute(
                """
                INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, payload)
                VALUES ('Shop', 'Order', 'late', 1, gen_random_uuid(), 'OrderPlaced', '{}')
                """)
            try await eventually("it is not refused: \(try world.log)") {
                try world.log.contains("the source is refused")
            }
            try await Task.sleep(for: .seconds(4))
            let log = try world.log
            #expect(!log.contains("read again") && log.split(separator: "\n").count < 6, "\(log)")
            #expect(try await world.godwit("status").exitCode == 4)
            #expect(try await world.godwit("doctor").standardOutput.contains("has the type text"))
            try await world.execute("ALTER TABLE events ALTER payload TYPE bytea USING convert_to(payload, 'UTF8')")
            try await world.append(20)
            try await world.expectEverythingDelivered()
        }
    }

    @Test(arguments: [
        (
            "ALTER SYSTEM SET default_transaction_read_only = on", "ALTER SYSTEM RESET default_transaction_read_only",
            "takes no writes"
        ),
        ("ALTER ROLE relay NOLOGIN", "ALTER ROLE relay LOGIN", "does not let the user in"),
        (
            "ALTER DATABASE postgres CONNECTION LIMIT 0", "ALTER DATABASE postgres CONNECTION LIMIT -1",
            "no connection left"
        ),
        (
            "REVOKE ALL ON consumer_workers FROM relay", "GRANT ALL ON consumer_workers TO relay",
            "a right is missing"
        ),
        (
            "REVOKE ALL ON godwit.dead_letters FROM relay", "GRANT ALL ON godwit.dead_letters TO relay",
            "the table of dead letters"
        ),
        (
            "ALTER TABLE consumer_segments RENAME TO moved", "ALTER TABLE moved RENAME TO consumer_segments",
            "a table, column or schema is missing"
        ),
        (
            "ALTER TABLE consumer_workers ALTER worker_id TYPE bytea USING worker_id::bytea",
            "ALTER TABLE consumer_workers ALTER worker_id TYPE text USING convert_from(worker_id, 'UTF8')",
            "tables are of another shape than before"
        ),
    ])
    func `a running relay waits where the database refuses it for a while, and says why`(
        _ change: String, _ back: String, _ reason: String
    ) async throws {
        try await WorldFixture.withFlowing(prepare: { world in
            // A superuser is let in whatever the limits are.
            try await world.execute("ALTER ROLE relay NOSUPERUSER")
            try await world.migrate("--grants", "relay")
        }) { world in
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'relay'"
            try await world.change(change)
            try await world.execute("SELECT pg_reload_conf()")
            try await world.execute(end)
            try await eventually("it is not reported: \(try world.log)") { try world.log.contains(reason) }
            try await Task.sleep(for: .seconds(2))
            let (isAlive, log) = (try world.relayIsAlive, try world.log)
            #expect(isAlive, "\(log)")
            try await world.execute(back)
            try await world.execute("SELECT pg_reload_conf()")
            try await world.append(20)
            try await world.expectEverythingDelivered()
        }
    }

    @Test func `a server that comes back as a standby is waited for until it is the primary`() async throws {
        try await WorldFixture.withFlowing { world in
            world.beginChange()
            try await world.postgres.stopServer(.fast)
            try Data().write(to: URL(fileURLWithPath: "\(world.postgres.folder)/data/standby.signal"))
            try await world.postgres.startServer()
            try await eventually("it is not reported: \(try world.log)") {
                let log = try world.log
                return log.contains("the server is a standby") && log.contains("takes no writes")
            }
            try await eventually("status does not say it") {
                try await world.godwit("status").standardOutput.contains("standby")
            }
            let isAlive = try world.relayIsAlive
            #expect(isAlive)
            try await world.execute("SELECT pg_promote()")
            try await world.append(20)
            try await world.expectEverythingDelivered()
        }
    }
}
