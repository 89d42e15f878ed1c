import FoundationEssentials
import Postgres
import TestSupport
import Testing

private enum Colour: String, Codable, PostgresEncodable, PostgresDecodable {
    case red, green
}

private struct Account: Decodable {
    let id: UUID
    let owner: String
    let createdAt: Date
    let small: UInt8
    let note: String?
    let colour: Colour
    let tags: [String]
}

private struct Line: Decodable, Equatable {
    let position: Int
    let name: String?
    let price: Double
}

/// Rows read by names, as tuples and as types.
@Suite struct RowDecodingTests {
    private func withConnection<Value>(_ body: (Connection) async throws -> Value) async throws -> Value {
        let connection = try await Connection.open(ConnectionConfiguration(TestPostgres.shared.url()))
        let value = try await body(connection)
        await connection.close()
        return value
    }

    @Test func `a column is found by its name`() async throws {
        try await withConnection { connection in
            let result = try await connection.query(
                "SELECT 1 AS one, NULL::text AS \"No Thing\", 'x' AS twice, 2 AS twice")
            let row = try #require(result.first)
            #expect(try row.decode("one", as: Int.self) == 1)
            #expect(try row.decodeIfPresent("No Thing", as: String.self) == nil)
            let missing = try #require(throws: PostgresError.self) { try row.decode("One", as: Int.self) }
            #expect(
                missing.code == .decoding && missing.message.contains("\"One\"") && missing.message.contains("\"one\""))
            let double = try #require(throws: PostgresError.self) { try row.decode("twice", as: Int.self) }
            #expect(double.message.contains("2 columns are named"))
            let null = try #require(throws: PostgresError.self) { try row.decode("No Thing", as: String.self) }
            #expect(null.message.contains("No Thing is NULL"))
            let wrong = try #require(throws: PostgresError.self) { try row.decode("one", as: String.self) }
            #expect(wrong.message == "column one has the type integer, and its value does not read as String")
        }
    }

    @Test func `a row is read as a tuple`() async throws {
        try await withConnection { connection in
            let row = try #require(try await connection.query("SELECT 7, 'name', NULL::int, true").first)
            let (id, name, age, isActive) = try row.decode(Int.self, String.self, Int?.self, Bool.self)
            #expect(id == 7 && name == "name" && age == nil && isActive)
            let wrong = try #require(throws: PostgresError.self) { try row.decode(Int.self, String.self) }
            #expect(wrong.message.contains("4 columns") && wrong.message.contains("tuple of 2"))
            #expect(throws: PostgresError.self) { try row.decode(Int.self, String.self, Int.self, Bool.self) }
        }
    }

    @Test func `a row is read as a type`() async throws {
        try await withConnection { connection in
            let id = UUID()
            let sql: BoundStatement = """
                SELECT \(id) AS id, 'Zoë' AS owner, timestamptz '2024-02-29 12:00:00Z' AS created_at, 200 AS small,
                    NULL::text AS note, 'green' AS colour, \(["a", "b"])::text[] AS tags
                """
            let account = try #require(try await connection.query(sql).first).decode(Account.self)
            #expect(account.id == id && account.owner == "Zoë" && account.small == 200 && account.note == nil)
            #expect(account.createdAt == Date(timeIntervalSince1970: 1_709_208_000))
            #expect(account.colour == .green && account.tags == ["a", "b"])
            let lines = try await connection.query(
                "SELECT g AS position, nullif('n' || g, 'n2') AS name, g / 2.0::float8 AS price FROM generate_series(1, 2) AS g"
            ).map { try $0.decode(Line.self) }
            #expect(lines == [Line(position: 1, name: "n1", price: 0.5), Line(position: 2, name: nil, price: 1)])
            #expect(try await connection.query("SELECT 5").first?.decode(Int.self) == 5)
        }
    }

    @Test func `what does not fit a type is reported by the column's name`() async throws {
        try await withConnection { connection in
            let cases = [
                ("1 AS position, 'n' AS name", "there is no column \"price\""),
                ("NULL::int AS position, 'n' AS name, 1.0::float8 AS price", "position is NULL"),
                ("'x' AS position, 'n' AS name, 1.0::float8 AS price", "type text"),
            ]
            for (columns, reason) in cases {
                let row = try #require(try await connection.query(Statement("SELECT \(columns)")).first)
                let error = try #require(throws: PostgresError.self) { try row.decode(Line.self) }
                #expect(error.code == .decoding && error.message.contains(reason), "\(error)")
            }
        }
    }

    @Test func `an enum is sent and read as its text, also as a type of the database`() async throws {
        try await withConnection { connection in
            let database = try await TestDatabase()
            try await connection.query("CREATE SCHEMA \(identifier: database.schema)")
            try await connection.execute(
                script: """
                    CREATE TYPE "\(database.schema)".colour AS ENUM ('red', 'green', 'blue');
                    CREATE TABLE "\(database.schema)".things (colour "\(database.schema)".colour, name text)
                    """)
            try await connection.query(
                "INSERT INTO \(identifier: database.schema).things VALUES (\(Colour.green), \(Colour.red)), ('blue', 'b')"
            )
            let rows = try await connection.query(
                "SELECT colour, name FROM \(identifier: database.schema).things WHERE colour = \(Colour.green)")
            #expect(rows.count == 1)
            let (colour, name) = try #require(rows.first).decode(Colour.self, Colour.self)
            #expect(colour == .green && name == .red)
            let blue = try await connection.query(
                "SELECT colour FROM \(identifier: database.schema).things WHERE name = 'b'")
            #expect(throws: PostgresError.self) { try blue.first?.decode(0, as: Colour.self) }
            let listed = try await connection.query("SELECT 'red' = ANY(\([Colour.red, .green])::text[])")
            #expect(try listed.first?.decode(0, as: Bool.self) == true)
            try await connection.query("DROP SCHEMA \(identifier: database.schema) CASCADE")
        }
    }

    @Test func `notifications come one after the other, and end with the task`() async throws {
        let database = try await TestDatabase()
        let configuration = try ConnectionConfiguration(database.url)
        let listener = try await Listener.open(configuration, channels: [database.schema])
        let sender = try await Connection.open(configuration)
        let receiving = Task {
            var payloads: [String] = []
            for try await notification in listener.notifications {
                payloads.append(notification.payload)
                if payloads.count == 3 { break }
            }
            return payloads
        }
        for text in ["a", "b", "c"] { try await sender.query("SELECT pg_notify(\(database.schema), \(text))") }
        #expect(try await deadline { try await receiving.value } == ["a", "b", "c"])
        let waiting = Task {
            for try await _ in listener.notifications {}
            return true
        }
        waiting.cancel()
        #expect(try await deadline { try await waiting.value })
        try await sender.query("SELECT pg_terminate_backend(\(listener.backendPID))")
        let lost = await #expect(throws: PostgresError.self) {
            try await deadline { for try await _ in listener.notifications {} }
        }
        #expect(lost?.code == .connectionLost)
        await sender.close()
    }
}

@Suite struct OptionalColumnTests {
    @Test func `a column is read as an optional value where one is wanted`() async throws {
        let connection = try await Connection.open(ConnectionConfiguration(try await TestPostgres.shared.url()))
        let row = try #require(try await connection.query("SELECT NULL::text AS a, 'x' AS b").first)
        let missing: String? = try row.decode("a")
        let present: String? = try row.decode("b")
        let first: String? = try row.decode(0)
        #expect(missing == nil && present == "x" && first == nil)
        let error = #expect(throws: PostgresError.self) { let _: String = try row.decode("a") }
        #expect(error?.description.contains("decodeIfPresent") == true)
        await connection.close()
    }

    @Test func `a transaction that a statement has ended runs nothing more`() async throws {
        let connection = try await Connection.open(ConnectionConfiguration(try await TestPostgres.shared.url()))
        for end in ["ROLLBACK", "COMMIT"] {
            let error = await #expect(throws: PostgresError.self) {
                try await connection.withTransaction { transaction in
                    try await transaction.execute(script: end)
                    try await transaction.query("SELECT 1")
                }
            }
            #expect(error?.description.contains("COMMIT or ROLLBACK") == true)
        }
        #expect(try await connection.query("SELECT 1").count == 1)
        await connection.close()
    }
}
