import Postgres
import TestSupport
import Testing

/// Values in the text of a statement.
@Suite struct InterpolationTests {
    private func withConnection<Value>(_ body: (Connection) async throws -> Value) async throws -> Value {
        let connection = try await Connection.open(ConnectionConfiguration(TestPostgres.shared.url()))
        let value = try await body(connection)
        await connection.close()
        return value
    }

    @Test func `a value is a parameter, whatever it holds`() async throws {
        try await withConnection { connection in
            let hostile = "'; DROP TABLE users; --"
            let missing: String? = nil
            let row = try #require(
                try await connection.query("SELECT \(hostile), \(7) + \(1), \(missing) IS NULL, \([1, 2])::bigint[]")
                    .first)
            #expect(try row.decode(0, as: String.self) == hostile)
            #expect(try row.decode(1, as: Int.self) == 8)
            #expect(try row.decode(2, as: Bool.self))
            #expect(try row.decode(3, as: [Int].self) == [1, 2])
        }
    }

    @Test func `an identifier is quoted`() async throws {
        try await withConnection { connection in
            let column = "a \"b\"; --"
            let result = try await connection.query("SELECT \(1) AS \(identifier: column)")
            #expect(result.columnNames == [column])
            #expect(try result.first?.decode(column, as: Int.self) == 1)
        }
    }

    @Test func `a text is prepared once, whatever its values`() async throws {
        try await withConnection { connection in
            for number in 0..<3 { try await connection.query("SELECT \(number) + 100") }
            try await connection.withTransaction { transaction in
                for number in 0..<3 { try await transaction.query("SELECT \(number) + 100") }
            }
            let prepared = try await connection.query(
                "SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%+ 100'")
            #expect(try prepared.map { try $0.decode(0, as: String.self) } == ["SELECT $1 + 100"])
        }
    }

    @Test func `a pipeline takes statements with values`() async throws {
        try await withConnection { connection in
            let results = try await connection.pipeline(["SELECT \(1)", "SELECT 2", "SELECT \("three")"])
            #expect(try results[0].first?.decode(0, as: Int.self) == 1)
            #expect(try results[2].first?.decode(0, as: String.self) == "three")
        }
    }
}
