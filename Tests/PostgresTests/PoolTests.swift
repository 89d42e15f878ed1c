import LocalPostgres
import Postgres
import TestSupport
import Testing

@Suite struct PoolTests {
    @Test func `no more connections are open than the pool's size`() async throws {
        let database = try await TestDatabase()
        let configuration = try ConnectionConfiguration(database.url, applicationName: database.schema)
        let pool = ConnectionPool(configuration, size: 3)
        let most = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<30 {
                group.addTask {
                    try await pool.withConnection { connection in
                        try await connection.query(
                            "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", database.schema
                        ).first?.decode(0, as: Int.self) ?? 0
                    }
                }
            }
            return try await group.reduce(0, max)
        }
        #expect((1...3).contains(most))
        await pool.close()
        await #expect(throws: PostgresError.self) { try await pool.withConnection { _ in } }
    }

    @Test func `who waits too long is told so, and the place is not lost`() async throws {
        let configuration = try await ConnectionConfiguration(TestPostgres.shared.url())
        let pool = ConnectionPool(configuration, size: 1, acquisitionTimeout: .milliseconds(100))
        try await pool.withConnection { _ in
            let error = await #expect(throws: PostgresError.self) { try await pool.withConnection { _ in } }
            #expect(error?.code == .poolTimeout)
        }
        _ = try await pool.withConnection { connection in try await connection.query("SELECT 1") }
        await pool.close()
    }

    @Test func `a connection that breaks is replaced`() async throws {
        let configuration = try await ConnectionConfiguration(TestPostgres.shared.url())
        let pool = ConnectionPool(configuration, size: 1)
        let first = try await pool.withConnection { $0.backendPID }
        await #expect(throws: PostgresError.self) {
            _ = try await pool.withConnection { connection in
                try await connection.query("SELECT pg_terminate_backend(pg_backend_pid())")
            }
        }
        let second = try await pool.withConnection { connection in
            try await connection.query("SELECT 1")
            return connection.backendPID
        }
        #expect(first != second)
        await pool.close()
    }

    @Test func `a server that comes back in time is waited for`() async throws {
        let server = try await LocalPostgres.start()
        let pool = ConnectionPool(try ConnectionConfiguration(server.url), size: 1)
        try await server.stopServer()
        async let answer = pool.withConnection { connection in
            try await connection.query("SELECT 1").first?.decode(0, as: Int.self)
        }
        try await server.startServer()
        #expect(try await answer == 1)
        await pool.close()
        await server.stop()
    }

    @Test func `the backoff doubles to its maximum, jittered, and starts again`() {
        var backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(1))
        var generator = seeded("backoffs")
        for step in [100, 200, 400, 800, 1000, 1000] {
            let delay = backoff.next(using: &generator)
            #expect(delay >= .milliseconds(step) / 2 && delay <= .milliseconds(step))
        }
        backoff.reset()
        #expect(backoff.next(using: &generator) <= .milliseconds(100))
    }
}
