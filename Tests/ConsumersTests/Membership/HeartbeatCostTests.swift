import EventSourcing
import Postgres
import TestSupport
import Testing

@testable import Consumers

@Suite struct HeartbeatCostTests {
    private static func countsStatements() async throws -> Bool {
        let connection = try await Connection.open(ConnectionConfiguration(TestPostgres.shared.url()))
        let libraries = try await connection.query("SELECT current_setting('shared_preload_libraries')")
        await connection.close()
        return try libraries.first?.decode(0, as: String.self).contains("pg_stat_statements") == true
    }

    /// How often each statement about workers and segments was run, by a word of its text.
    private func calls(_ test: TestStore, _ connection: Connection) async throws -> [String: Int] {
        let rows = try await connection.query(
            """
            SELECT CASE WHEN query LIKE '%pg_try_advisory_lock%' THEN 'heartbeat' WHEN query LIKE '%removed%' THEN 'look'
                WHEN query LIKE '%remaining%' THEN 'live' ELSE 'others' END, sum(calls)::bigint
            FROM public.pg_stat_statements
            WHERE query LIKE $1 AND query LIKE ANY ('{%consumer_workers%,%consumer_segments%}') GROUP BY 1
            """, "%\(test.tables.godwitSchema)%")
        return try rows.reduce(into: [:]) { $0[try $1.decode(0)] = try $1.decode(1, as: Int.self) }
    }

    @Test(.enabled("the server counts statements") { try await countsStatements() })
    func `at rest a worker sends its heartbeat and one look for each, whatever the number of consumers`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            try await connection.execute(script: "CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA public")
            var options = test.options
            options.heartbeatInterval = .seconds(2)
            options.staleThreshold = .seconds(30)
            options.rebalanceInterval = .seconds(10)
            options.healthAuditInterval = .seconds(3)
            // In the same look.
            options.looksForJobs = true
            let source = try test.source()
            let worker = try Worker(
                source, integrations: (0..<20).map { RecordingConsumer("c\($0)") }, options: options)
            try await test.running(worker, source) {
                try await eventually("it never owned its segments") {
                    await worker.snapshot().consumers.allSatisfy { $0.own.segments.count == 4 }
                }
                try await Task.sleep(for: .seconds(2))
                // On a busy machine it may not be at rest at once.
                var spent: [String: Int] = [:]
                for _ in 0..<3 {
                    let before = try await calls(test, connection)
                    try await Task.sleep(for: .seconds(8))
                    let after = try await calls(test, connection)
                    spent = after.merging(before) { $0 - $1 }
                    if spent["others"] ?? 0 <= 3, spent["look"] ?? 0 <= 7, spent["live"] ?? 0 <= 7 { break }
                }
                #expect((3...5).contains(spent["heartbeat"] ?? 0))
                for kind in ["look", "live"] { #expect((3...7).contains(spent[kind] ?? 0), "\(spent)") }
                // The list of the segments, and what it was for.
                #expect(spent["others"] ?? 0 <= 3, "\(spent)")
            }
            await connection.close()
        }
    }
}
