import Postgres
import TestSupport
import Testing

@Suite struct TransactionTests {
    private struct Failure: Error {}

    private func withTable(_ body: (Connection, String) async throws -> Void) async throws {
        let database = try await TestDatabase()
        let connection = try await Connection.open(ConnectionConfiguration(database.url))
        let table = "\"\(database.schema)\""
        try await connection.execute(script: "CREATE TABLE \(table) (n bigint UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        do {
            try await body(connection, table)
        } catch {
            try await connection.execute(script: "DROP TABLE \(table)")
            throw error
        }
        try await connection.execute(script: "DROP TABLE \(table)")
        await connection.close()
    }

    private func count(_ connection: Connection, _ table: String) async throws -> Int? {
        try await connection.query(Statement("SELECT count(*) FROM \(table)")).first?.decode(0)
    }

    @Test func `a transaction commits when its body returns and rolls back when it throws`() async throws {
        try await withTable { connection, table in
            let insert = Statement("INSERT INTO \(table) VALUES ($1)")
            try await connection.withTransaction { _ = try await $0.query(insert, 1) }
            await #expect(throws: Failure.self) {
                try await connection.withTransaction { transaction in
                    try await transaction.query(insert, 2)
                    throw Failure()
                }
            }
            let rows = try await count(connection, table)
            #expect(rows == 1)
        }
    }

    @Test func `a body that goes on after a failed statement does not commit`() async throws {
        try await withTable { connection, table in
            let error = await #expect(throws: PostgresError.self) {
                try await connection.withTransaction { transaction in
                    try await transaction.query(Statement("INSERT INTO \(table) VALUES (1)"))
                    _ = try? await transaction.query("SELECT 1 / 0")
                }
            }
            #expect(error?.code == .rolledBack)
            let rows = try await count(connection, table)
            #expect(rows == 0)
        }
    }

    @Test func `a constraint checked at commit is an error of the commit`() async throws {
        try await withTable { connection, table in
            let error = await #expect(throws: PostgresError.self) {
                try await connection.withTransaction { transaction in
                    try await transaction.query(Statement("INSERT INTO \(table) VALUES (1), (1)"))
                }
            }
            #expect(error?.sqlState == .uniqueViolation)
            let rows = try await count(connection, table)
            #expect(rows == 0)
        }
    }

    @Test func `nothing slips into an open transaction, nor out of an ended one`() async throws {
        try await withTable { connection, table in
            var escaped: Transaction?
            try await connection.withTransaction { transaction in
                escaped = transaction
                let error = await #expect(throws: PostgresError.self) { try await connection.query("SELECT 1") }
                #expect(error?.code == .transactionOpen)
                let nested = await #expect(throws: PostgresError.self) {
                    try await connection.withTransaction { _ in }
                }
                #expect(nested?.code == .transactionOpen)
            }
            let error = await #expect(throws: PostgresError.self) { try await escaped?.query("SELECT 1") }
            #expect(error?.code == .misuse)
        }
    }

    @Test func `a cancelled task's transaction is rolled back`() async throws {
        try await withTable { connection, table in
            let task = Task {
                try await connection.withTransaction { transaction in
                    try await transaction.query(Statement("INSERT INTO \(table) VALUES (1)"))
                    withUnsafeCurrentTask { $0?.cancel() }
                }
            }
            await #expect(throws: (any Error).self) { try await task.value }
            let rows = try await count(connection, table)
            #expect(rows == 0)
        }
    }
}
