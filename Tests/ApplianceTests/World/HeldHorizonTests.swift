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
    }
}
