import EventSourcing
import Postgres
import TestSupport
import Testing

@testable import Consumers

/// Reads of a table that was small when they began, and is not analyzed while it grows.
@Suite struct GrowingTableTests {
    @Test func `a read fetches the rows it gives and no others, however the table has grown`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            try await connection.execute(script: EventsTable.readingSettings)
            let table = EventsTable(test.tables.source)
            let name = test.tables.events
            func grow(_ range: ClosedRange<Int>) async throws {
                try await connection.execute(
                    script: """
                        INSERT INTO \(name.sql) (bounded_context, aggregate_type, aggregate_id, aggregate_version,
                            event_id, event_type, payload)
                        SELECT 'Identity', 'Thing', 'a', i, gen_random_uuid(), 'Happened', convert_to(rpad(md5(i::text),
                            1000, md5((i + 1)::text)), 'UTF8')
                        FROM generate_series(\(range.lowerBound), \(range.upperBound)) AS i
                        """)
            }
            func fetchedSoFar(_ transaction: Transaction) async throws -> Int {
                let counts = try await transaction.query(
                    BoundStatement(
                        Statement(
                            """
                            SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint
                            FROM pg_stat_xact_user_tables WHERE relid = $1::regclass
                            """), [name.sql]))
                return try counts.first?.decode(0) ?? 0
            }
            func fetched(after position: Int64, _ scope: EventScope, _ bound: PayloadLimit) async throws -> Int {
                try await connection.withTransaction { transaction in
                    let before = try await fetchedSoFar(transaction)
                    let read = table.read(after: position, limit: 10, bound: bound, scope: scope)
                    let rows = try await transaction.query(read)
                    #expect(rows.count == 10)
                    return try await fetchedSoFar(transaction) - before
                }
            }
            try await connection.execute(script: "ALTER TABLE \(name.sql) SET (autovacuum_enabled = false)")
            try await grow(1...300)
            let scopes = [
                EventScope.all, EventScope(aggregateTypes: ["Thing"]), EventScope(boundedContexts: ["Identity"]),
            ]
            // After five executions the plan is kept.
            let reads = scopes.flatMap { scope in
                [PayloadLimit.perRow(1 << 20), .cumulative(1 << 20)].map { (scope: scope, bound: $0) }
            }
            for (scope, bound) in reads {
                for _ in 0..<8 { _ = try await fetched(after: 0, scope, bound) }
            }
            try await grow(301...20_000)
            for (scope, bound) in reads {
                for position in [Int64(300), 10_000] {
                    let count = try await fetched(after: position, scope, bound)
                    #expect(count <= 20, "\(scope) \(bound): \(count) rows fetched")
                }
            }
            await connection.close()
        }
    }
}
