import LocalPostgres
import Postgres
import TestSupport
import Testing

extension WorldChangeTests {
    /// Positions that are drawn early and become visible late, or never.
    @Suite(.serialized) struct LateCommits {
        @Test(.timeLimit(.minutes(3)))
        func `an event whose position was drawn long before its insert is delivered`() async throws {
            try await WorldFixture.withFlowing { world in
                let mapper = try await world.session("mapper")
                try await mapper.execute(script: "BEGIN")
                let rows = try await mapper.query("SELECT nextval('events_global_position_seq')")
                let drawn: Int64 = try #require(rows.first).decode(0)
                try await world.append(10)
                try await world.letRelayLook()
                try await mapper.insert(at: drawn)
                try await mapper.execute(script: "COMMIT")
                try await world.append(5)
                try await world.expectEverythingDelivered()
            }
        }

        @Test(.timeLimit(.minutes(3)), arguments: [LocalPostgres.ShutdownMode.fast, .immediate])
        func `a transaction that is prepared before a restart and committed after it is delivered, in order`(
            _ mode: LocalPostgres.ShutdownMode
        ) async throws {
            try await WorldFixture.withFlowing { world in
                let coordinator = try await world.session("coordinator")
                try await coordinator.execute(script: "BEGIN")
                try await coordinator.insert(version: 1, of: "order-1")
                try await coordinator.insert(version: 1, of: "order-2")
                try await coordinator.execute(script: "PREPARE TRANSACTION 'across-restart'")
                try await coordinator.insert(version: 2, of: "order-2")
                try await world.append(10)
                try await world.letRelayLook()
                try await world.postgres.restart(mode)
                let after = try await world.session()
                try await after.insert(version: 2, of: "order-1")
                try await world.append(5)
                try await world.letRelayLook()
                try await world.execute("COMMIT PREPARED 'across-restart'")
                try await after.insert(version: 3, of: "order-1")
                try await world.expectEverythingDelivered()
            }
        }

        @Test(.timeLimit(.minutes(3)))
        func `fifty thousand positions that are rolled back hold up later events for seconds at most`() async throws {
            try await WorldFixture.withFlowing { world in
                let importer = try await world.session("importer")
                try await importer.execute(script: "BEGIN")
                try await importer.insert(50_000)
                try await importer.execute(script: "ROLLBACK")
                try await world.append(10)
                try await world.expectEverythingDelivered(within: .seconds(15))
            }
        }
    }
}
