import FoundationEssentials
import Postgres
import TestSupport
import Testing

@Suite struct StatementTests {
    private func withConnection<Value>(_ body: (Connection) async throws -> Value) async throws -> Value {
        let connection = try await Connection.open(ConnectionConfiguration(TestPostgres.shared.url()))
        let value = try await body(connection)
        await connection.close()
        return value
    }

    @Test func `values come back as they were sent`() async throws {
        try await withConnection { connection in
            let id = UUID()
            let date = Date(timeIntervalSince1970: 1_700_000_000.123456)
            let result = try await connection.query(
                "SELECT $1, $2, $3, $4, $5, $6, $7, $8", true, 42, "Zoë\u{1F426}", Bytes([0, 1, 255]), id, date, 2.5,
                Int32.min)
            let row = try #require(result.first)
            #expect(try row.decode(0, as: Bool.self) == true)
            #expect(try row.decode(1, as: Int64.self) == 42)
            #expect(try row.decode(2, as: String.self) == "Zoë\u{1F426}")
            #expect(try row.decode(3, as: Bytes.self).array == [0, 1, 255])
            #expect(try row.decode(4, as: UUID.self) == id)
            #expect(abs(try row.decode(5, as: Date.self).timeIntervalSince(date)) < 0.000001)
            #expect(try row.decode(6, as: Double.self) == 2.5)
            #expect(try row.decode(7, as: Int32.self) == Int32.min)
        }
    }

    @Test func `arrays keep order, emptiness and NULLs`() async throws {
        try await withConnection { connection in
            let none: [String] = []
            let some: [String?] = ["a", nil, ""]
            let result = try await connection.query(
                "SELECT $1::text[], cardinality($2::text[]), ($3::text[])[2] IS NULL, ($3::text[])[3]", ["x", "y"],
                none, some)
            let row = try #require(result.first)
            #expect(try row.decode(0, as: [String].self) == ["x", "y"])
            #expect(try row.decode(1, as: Int.self) == 0)
            #expect(try row.decode(2, as: Bool.self))
            #expect(try row.decode(3, as: String.self) == "")
        }
    }

    @Test func `a column of another type is an error that names column and type`() async throws {
        try await withConnection { connection in
            let row = try #require(try await connection.query("SELECT 'x' AS wrong").first)
            let error = try #require(throws: PostgresError.self) { try row.decode(0, as: Int.self) }
            #expect(error.code == .decoding)
            #expect(error.message.contains("wrong"))
            #expect(throws: PostgresError.self) { try row.decode(7, as: Int.self) }
        }
    }

    @Test func `an error has SQLSTATE and statement, and no value`() async throws {
        try await withConnection { connection in
            let statement = Statement(name: "to_number", sql: "SELECT $1::text::int")
            let error = await #expect(throws: PostgresError.self) {
                try await connection.query(statement, "s3cret")
            }
            #expect(error?.code == .statement)
            #expect(error?.sqlState?.rawValue == "22P02")
            #expect(error?.statement == "to_number")
            #expect(error?.description.contains("s3cret") == false)
            // The connection is as good as before.
            let seven = try await connection.query(statement, "7")
            #expect(try seven.first?.decode(0, as: Int.self) == 7)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a pipeline whose session ends in its midst fails, and does not go on reading`() async throws {
        try await withConnection { connection in
            let statements = [
                "SELECT 1", "SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 2", "SELECT 3",
            ].map { BoundStatement(Statement($0)) }
            let error = try await deadline {
                await #expect(throws: PostgresError.self) { try await connection.pipeline(statements) }
            }
            #expect(error?.isConnectionFailure == true)
            #expect(await !connection.isUsable)
        }
    }

    @Test func `a pipeline answers in order, and its failure spares the others`() async throws {
        try await withConnection { connection in
            let echo = Statement(name: "echo", sql: "SELECT $1::bigint")
            let results = try await connection.pipeline((0..<50).map { BoundStatement(echo, [$0]) })
            #expect(try results.map { try $0[0].decode(0, as: Int.self) } == Array(0..<50))

            try await connection.execute(script: "CREATE TEMP TABLE written (n bigint)")
            let insert = Statement(name: "insert", sql: "INSERT INTO written SELECT 1 / $1")
            let error = await #expect(throws: PostgresError.self) {
                try await connection.pipeline([1, 0, 1].map { BoundStatement(insert, [$0]) })
            }
            #expect(error?.sqlState?.rawValue == "22012")
            #expect(try await connection.query("SELECT count(*) FROM written").first?.decode(0, as: Int.self) == 2)
            // A statement whose preparation failed is prepared again at its next use.
            let missing = BoundStatement(Statement(name: "missing", sql: "SELECT * FROM appears_later"))
            await #expect(throws: PostgresError.self) { try await connection.pipeline([missing]) }
            try await connection.execute(script: "CREATE TEMP TABLE appears_later (n bigint)")
            #expect(try await connection.pipeline([missing])[0].count == 0)
        }
    }

    @Test func `cancelling a task cancels its statement at the server and no later one`() async throws {
        try await withConnection { connection in
            for _ in 0..<20 {
                let sleeping = Task { try await connection.query("SELECT pg_sleep(30)") }
                let observer = try await Connection.open(ConnectionConfiguration(TestPostgres.shared.url()))
                try await observer.waitUntil(
                    "SELECT state = 'active' AND query LIKE '%pg_sleep%' FROM pg_stat_activity WHERE pid = $1",
                    connection.backendPID)
                await observer.close()
                sleeping.cancel()
                let error = await #expect(throws: PostgresError.self) { try await sleeping.value }
                #expect(error?.code == .cancelled)
                #expect(try await connection.query("SELECT 1").first?.decode(0, as: Int.self) == 1)
            }
        }
    }

    @Test func `a terminated backend is a lost connection`() async throws {
        try await withConnection { connection in
            _ = try await withConnection { other in
                try await other.query("SELECT pg_terminate_backend($1)", connection.backendPID)
            }
            let error = await #expect(throws: PostgresError.self) {
                for _ in 0..<1000 { try await connection.query("SELECT pg_sleep(0.01)") }
            }
            #expect(error?.code == .connectionLost)
            #expect(error?.isConnectionFailure == true)
            #expect(await connection.isUsable == false)
        }
    }
}

extension Connection {
    /// Asks again until the answer is true; a deadline far off keeps a broken test from hanging.
    func waitUntil(_ statement: Statement, _ values: any PostgresEncodable...) async throws {
        let deadline = ContinuousClock.now.advanced(by: .seconds(20))
        while try await query(BoundStatement(statement, values)).first?.decodeIfPresent(0, as: Bool.self) != true {
            try #require(ContinuousClock.now < deadline, "never became true: \(statement.sql)")
        }
    }
}
