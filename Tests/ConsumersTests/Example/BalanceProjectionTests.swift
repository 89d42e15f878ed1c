import Consumers
import EventSourcing
import Postgres
import TestSupport
import Testing

@Suite struct BalanceProjectionTests {
    @Test func `balances follow the bookings`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let projection = BalanceProjection(schema: test.tables.events.schema)
            try await projection.createTable(on: connection)
            let source = try test.source()

            // One-off mode handles what is there and returns, so a test needs no waiting.
            func catchUp() async throws {
                var options = WorkerOptions()
                options.runMode = .oneOff
                try await BasicProcessor(projection, source: source, options: options).run()
            }

            for (account, amount) in [("a", 100), ("b", 50), ("a", -30)] {
                try await connection.withTransaction { try await book(amount, on: account, in: $0, test.store) }
            }
            // Another context's events of the same type are none of its business.
            _ = try await test.append(
                [.sample("a", context: "Games", aggregateType: "Account", payload: "{}")], on: connection)
            try await catchUp()
            #expect(try await projection.balance(of: "a", on: connection) == 70)
            #expect(try await projection.balance(of: "b", on: connection) == 50)

            await #expect(throws: Overdrawn(account: "b")) {
                try await connection.withTransaction { try await book(-51, on: "b", in: $0, test.store) }
            }
            try await connection.withTransaction { try await book(1, on: "a", in: $0, test.store) }
            // Nothing counts twice, however often it runs.
            try await catchUp()
            try await catchUp()
            #expect(try await projection.balance(of: "a", on: connection) == 71)
            await source.close()
            await connection.close()
        }
    }
}
