import LocalPostgres
import Postgres
import TestSupport
import Testing

extension WorldChangeTests {
    /// Who holds events up, and who does not.
    @Suite(.serialized) struct HeldHorizons {
        @Test(.timeLimit(.minutes(3)))
        func `a transaction that has drawn a position and stays open is named, and nothing is lost by it`()
            async throws
        {
            try await WorldFixture.withFlowing { world in
                let importer = try await world.session("forgotten-importer")
                try await importer.execute(script: "BEGIN; SELECT nextval('events_global_position_seq')")
                try await world.append(10)
                try await world.expectStatus(naming: "forgotten-importer", "\(importer.backendPID)")
                try await importer.insert()
                try await importer.execute(script: "COMMIT")
                try await world.expectEverythingDelivered()
            }
        }

        @Test(
            .timeLimit(.minutes(3)),
            arguments: [
                "UPDATE events SET metadata = '{}' WHERE global_position <= 10",
                "DELETE FROM events WHERE global_position <= 10",
            ])
        func `a transaction that only changes or deletes events holds no later ones up`(_ sql: String) async throws {
            try await WorldFixture.withFlowing { world in
                let keeper = try await world.session("keeper")
                try await keeper.execute(script: "BEGIN; \(sql)")
                // A position that is missing, which makes the relay ask who may have drawn it.
                let failed = try await world.session()
                try await failed.execute(script: "BEGIN")
                try await failed.insert()
                try await failed.execute(script: "ROLLBACK")
                try await world.append(10)
                try await world.expectEverythingDelivered(within: .seconds(15))
                try await keeper.execute(script: "ROLLBACK")
            }
        }

        @Test(.timeLimit(.minutes(3)), arguments: [false, true])
        func `a prepared transaction that holds events up is named with the statement that ends it`(
            _ restarts: Bool
        ) async throws {
            try await WorldFixture.withFlowing { world in
                let coordinator = try await world.session("coordinator")
                try await coordinator.execute(script: "BEGIN")
                try await coordinator.insert()
                try await coordinator.execute(script: "PREPARE TRANSACTION 'invoice-7'")
                if restarts { try await world.postgres.restart() }
                try await world.append(10)
                try await world.expectStatus(naming: "invoice-7", "ROLLBACK PREPARED")
                try await world.execute("ROLLBACK PREPARED 'invoice-7'")
                try await world.expectEverythingDelivered()
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `a session that holds events back and does nothing is ended where that is asked for, and no other`()
            async throws
        {
            try await WorldFixture.withFlowing(
                prepare: { world in
                    world.configure(["GODWIT_HORIZON_END_IDLE_WRITERS_AFTER": "2s"])
                    // What others do is not to be seen by every role.
                    try await world.execute("ALTER ROLE relay NOSUPERUSER")
                    try await world.execute("CREATE ROLE shop LOGIN")
                    try await world.migrate("--grants", "relay", "--writer", "shop")
                }
            ) { world in
                let reader = try await world.session("idle-reader", user: "shop")
                try await reader.execute(script: "BEGIN; SELECT count(*) FROM events")
                let busy = try await world.session("busy", user: "shop")
                try await busy.execute(script: "BEGIN; SELECT nextval('events_global_position_seq')")
                let forgotten = try await world.session("forgotten", user: "shop")
                try await forgotten.execute(script: "BEGIN; SELECT nextval('events_global_position_seq')")
                try await world.append(10)
                // It has drawn a position, and works all the time.
                let work = Task { while !Task.isCancelled { try await busy.execute(script: "SELECT pg_sleep(0.2)") } }
                try await eventually("it is not ended: \(try world.log)", within: .seconds(30)) {
                    try world.log.contains("ended a session that held events back")
                }
                #expect(try world.log.contains("forgotten"))
                work.cancel()
                _ = try? await work.value
                try await busy.execute(script: "COMMIT")
                try await world.expectEverythingDelivered()
                // It held nothing back.
                try await reader.execute(script: "COMMIT")
                let audit = Statement("SELECT count(*) FROM godwit.audit WHERE action = 'end idle writer'")
                #expect(try await world.session().query(audit).first?.decode(0, as: Int.self) == 1)
                await #expect(throws: (any Error).self) { try await forgotten.execute(script: "COMMIT") }
                // A superuser's session is not the relay's to end, which is reported.
                let owner = try await world.session("owner")
                try await owner.execute(script: "BEGIN; SELECT nextval('events_global_position_seq')")
                try await world.append(10)
                try await eventually("it is not reported: \(try world.log)", within: .seconds(30)) {
                    try world.log.contains("cannot be ended")
                }
                try await owner.execute(script: "COMMIT")
                try await world.expectEverythingDelivered()
            }
        }
    }
}
