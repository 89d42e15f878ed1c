import TestSupport
import Testing

@testable import Postgres

@Suite struct ImplicitTransactionTests {
    private func withConnections(_ body: (Connection, Connection, _ table: String) async throws -> Void) async throws {
        let database = try await TestDatabase()
        let configuration = try ConnectionConfiguration(database.url)
        let (one, other) = (try await Connection.open(configuration), try await Connection.open(configuration))
        let table = quoteIdentifier(database.schema)
        try await one.execute(script: "CREATE TABLE \(table) (n bigint UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        do {
            try await body(one, other, table)
        } catch {
            try? await other.execute(script: "DROP TABLE \(table)")
            throw error
        }
        try await other.execute(script: "DROP TABLE \(table)")
        await one.close()
        await other.close()
    }

    private func step(_ sql: String, _ values: any PostgresEncodable...) -> BoundStatement {
        BoundStatement(Statement(name: "step", sql: sql), values)
    }

    private func count(_ connection: Connection, _ table: String) async throws -> Int? {
        try await connection.query(step("SELECT count(*) FROM \(table)")).first?.decode(0)
    }

    @Test func `all statements take effect or none, and the connection goes on`() async throws {
        try await withConnections { connection, other, table in
            let insert = step("INSERT INTO \(table) VALUES ($1)", 1)
            for _ in 0..<2 {
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.implicitTransaction([
                        insert, step("SELECT 1 / $1", 0), step("INSERT INTO \(table) VALUES (2)"),
                    ])
                }
                #expect(error?.sqlState?.rawValue == "22012")
                #expect(error?.statement == "step")
                #expect(try await count(other, table) == 0)
            }
            let results = try await connection.implicitTransaction([insert, step("SELECT n FROM \(table)")])
            #expect(results[0].affectedRows == 1)
            #expect(try results[1].first?.decode(0, as: Int.self) == 1)
            #expect(try await count(other, table) == 1)
            #expect(try await connection.implicitTransaction([]).isEmpty)
            #expect(await connection.isReusable)
        }
    }

    @Test func `statements without a name run as well, and a failed preparation ends the transaction`() async throws {
        try await withConnections { connection, other, table in
            let error = await #expect(throws: PostgresError.self) {
                try await connection.implicitTransaction([
                    BoundStatement(Statement("INSERT INTO \(table) VALUES (1)")), step("SELECT nothing FROM \(table)"),
                    step("SELECT 1"),
                ])
            }
            #expect(error?.sqlState == .undefinedColumn)
            #expect(try await count(other, table) == 0)
            try await connection.implicitTransaction([BoundStatement(Statement("INSERT INTO \(table) VALUES (1)"))])
            #expect(try await count(other, table) == 1)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a lock of the first statement is held while the later ones run, and none after`() async throws {
        try await withConnections { connection, other, table in
            let running = Task {
                try await connection.implicitTransaction([
                    step("INSERT INTO \(table) SELECT 1 WHERE false"), step("SELECT pg_sleep($1)", 30.0),
                ])
            }
            try await other.waitUntil(
                "SELECT state = 'active' AND query LIKE '%pg_sleep%' FROM pg_stat_activity WHERE pid = $1",
                connection.backendPID)
            let lock = "LOCK TABLE \(table) IN SHARE MODE NOWAIT"
            let held = await #expect(throws: PostgresError.self) {
                try await other.withTransaction { try await $0.execute(script: lock) }
            }
            #expect(held?.sqlState == .lockNotAvailable)
            running.cancel()
            let cancelled = await #expect(throws: PostgresError.self) { try await running.value }
            #expect(cancelled?.code == .cancelled)
            try await other.withTransaction { try await $0.execute(script: lock) }
            #expect(try await connection.implicitTransaction([step("SELECT 1")]).count == 1)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `each statement sees what was committed while an earlier one ran`() async throws {
        try await withConnections { connection, other, table in
            let gate = Int.random(in: 1...Int.max)
            let counting = step("SELECT count(*) FROM \(table)")
            // Waits until the other session, which holds the gate, has committed.
            let waiting = step("SELECT pg_advisory_xact_lock_shared($1)", gate)
            try await other.execute(script: "SELECT pg_advisory_lock(\(gate))")
            async let results = connection.implicitTransaction([counting, waiting, counting])
            try await other.waitUntil(
                "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1", connection.backendPID)
            try await other.execute(script: "INSERT INTO \(table) VALUES (1)")
            try await other.execute(script: "SELECT pg_advisory_unlock(\(gate))")
            let counts = try await results
            #expect(try counts[0][0].decode(0, as: Int.self) == 0)
            #expect(try counts[2][0].decode(0, as: Int.self) == 1)
        }
    }

    @Test func `a failure of the commit is thrown, and so it is in a pipeline`() async throws {
        try await withConnections { connection, other, table in
            let twice = step("INSERT INTO \(table) VALUES (1), (1)")
            for _ in 0..<2 {
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.implicitTransaction([step("SELECT 1"), twice])
                }
                #expect(error?.sqlState == .uniqueViolation)
                let piped = await #expect(throws: PostgresError.self) {
                    try await connection.pipeline([twice, step("INSERT INTO \(table) VALUES (3)")])
                }
                #expect(piped?.sqlState == .uniqueViolation)
                #expect(try await count(other, table) == 1)
                try await connection.execute(script: "DELETE FROM \(table)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a session that ends in the midst is a lost connection`() async throws {
        try await withConnections { connection, other, table in
            let error = await #expect(throws: PostgresError.self) {
                try await connection.implicitTransaction([
                    step("INSERT INTO \(table) VALUES (1)"), step("SELECT pg_terminate_backend(pg_backend_pid())"),
                    step("SELECT 1"),
                ])
            }
            #expect(error?.code == .connectionLost)
            #expect(error?.sqlState == .adminShutdown)
            #expect(await !connection.isUsable)
            let written = try await count(other, table)
            #expect(written == 0)
        }
    }

    @Test func `within an open transaction it is refused`() async throws {
        try await withConnections { connection, _, _ in
            try await connection.withTransaction { _ in
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.implicitTransaction([step("SELECT 1")])
                }
                #expect(error?.code == .transactionOpen)
            }
        }
    }
}
