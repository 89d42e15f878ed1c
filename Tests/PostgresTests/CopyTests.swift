import TestSupport
import Testing

@testable import Postgres

@Suite struct CopyTests {
    private func withConnection(_ body: (Connection) async throws -> Void) async throws {
        let connection = try await Connection.open(ConnectionConfiguration(TestPostgres.shared.url()), logger: quiet)
        try await body(connection)
        let one = try await connection.query("SELECT 1").first?.decode(0, as: Int.self)
        #expect(one == 1)
        #expect(await connection.isReusable)
        await connection.close()
    }

    private func copy(
        _ connection: Connection, preceding: [String] = [], _ query: String
    ) async throws -> (texts: [[String?]], cells: ResultCells) {
        let types = try await connection.describe(query)
        return try await connection.copyRows(preceding: preceding, query: query, types: types)
    }

    @Test func `the copied rows are those of the query, NULLs and empty values included`() async throws {
        try await withConnection { connection in
            let query = """
                SELECT g::bigint, CASE WHEN g % 3 = 0 THEN NULL ELSE repeat('x', g % 5) END, convert_to(g::text, 'UTF8'),
                    CASE WHEN g % 2 = 0 THEN '{}'::jsonb END, now()
                FROM generate_series(1, 5000) AS g ORDER BY g -- a comment at the end
                """
            let copied = try await copy(connection, query).cells
            let asked = ResultCells(try await connection.query(Statement(query)))
            #expect(copied.count == 5000)
            #expect(copied.columnCount == 5)
            #expect(asked.count == copied.count && asked.columnCount == copied.columnCount)
            for column in 0..<5 {
                #expect(copied.type(column: column) == asked.type(column: column))
                let differing = (0..<copied.count).first { row in
                    copied.isNull(row: row, column: column) != asked.isNull(row: row, column: column)
                        // The time is another one.
                        || column < 4 && copied.array(row, column) != asked.array(row, column)
                        || copied.array(row, column).count != asked.array(row, column).count
                }
                #expect(differing == nil, "column \(column)")
            }
            #expect(copied.isNull(row: 2, column: 1))
            #expect(!copied.isNull(row: 4, column: 1) && copied.array(4, 1).isEmpty)
            #expect(copied.memorySize > 5000 * 50 && copied.memorySize < 5000 * 200)
        }
    }

    @Test func `an empty result has no rows, and knows its columns`() async throws {
        try await withConnection { connection in
            let cells = try await copy(connection, "SELECT 1::int8, 'x'::text WHERE false").cells
            #expect(cells.count == 0)
            #expect((0..<2).map { cells.type(column: $0) } == [PostgresType.int8, PostgresType.text])
        }
    }

    @Test func `rows without columns are counted, and a large value comes whole`() async throws {
        try await withConnection { connection in
            #expect(try await copy(connection, "SELECT FROM generate_series(1, 7)").cells.count == 7)
            let large = try await copy(connection, "SELECT repeat('abc', 5000000)").cells
            #expect(large.bytes(row: 0, column: 0).byteCount == 15_000_000)
        }
    }

    @Test func `the preceding queries' texts come with the rows`() async throws {
        try await withConnection { connection in
            let preceding = [
                "SELECT 42, NULL, '', 'Zoë'", "SELECT pg_current_snapshot() IS NOT NULL; -- with a comment",
            ]
            // An empty statement between two semicolons has no answer of its own.
            let (texts, cells) = try await copy(connection, preceding: preceding, "SELECT 1")
            #expect(texts == [["42", nil, "", "Zoë"], ["t"]])
            #expect(cells.count == 1)
        }
    }

    @Test(arguments: ["SELECT 1 WHERE false", "SELECT generate_series(1, 2)", "SET LOCAL work_mem = '1MB'"])
    func `a preceding statement that does not give one row is refused`(preceding: String) async throws {
        try await withConnection { connection in
            let error = await #expect(throws: PostgresError.self) {
                try await copy(connection, preceding: [preceding], "SELECT 1")
            }
            #expect(error?.code == .decoding)
        }
    }

    @Test func `an error in the midst of the rows is thrown, and so is one before them`() async throws {
        try await withConnection { connection in
            let query = "SELECT 1 / (5000 - g) FROM generate_series(1, 10000) AS g"
            let midway = await #expect(throws: PostgresError.self) {
                try await copy(connection, preceding: ["SELECT 1"], query)
            }
            #expect(midway?.sqlState?.rawValue == "22012")
            let before = await #expect(throws: PostgresError.self) {
                try await connection.copyRows(preceding: ["SELECT nothing"], query: "SELECT 1", types: [23])
            }
            #expect(before?.sqlState == .undefinedColumn)
            let undescribed = await #expect(throws: PostgresError.self) {
                try await connection.describe("SELECT nothing")
            }
            #expect(undescribed?.sqlState == .undefinedColumn)
        }
    }

    @Test func `rows with another number of columns than types are refused`() async throws {
        try await withConnection { connection in
            for types: [UInt32] in [[], [23], [23, 23, 23]] {
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.copyRows(
                        preceding: [], query: "SELECT g, g FROM generate_series(1, 1000) AS g", types: types)
                }
                #expect(error?.code == .decoding)
            }
        }
    }

    @Test func `a copy the other way is refused and does not wait for data`() async throws {
        try await withConnection { connection in
            try await connection.execute(script: "CREATE TEMP TABLE target (n int)")
            let error = await #expect(throws: PostgresError.self) {
                try await connection.copyRows(preceding: ["COPY target FROM STDIN"], query: "SELECT 1", types: [23])
            }
            #expect(error?.sqlState == .queryCanceled)
            #expect(error?.code == .statement)
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [true, false])
    func `a cancelled task cancels the copy`(beforeRows: Bool) async throws {
        try await withConnection { connection in
            let preceding = beforeRows ? ["SELECT pg_sleep(30)"] : []
            let rows = "SELECT g, CASE WHEN g = 5000 THEN pg_sleep(30)::text END FROM generate_series(1, 10000) AS g"
            let task = Task { try await connection.copyRows(preceding: preceding, query: rows, types: [23, 25]) }
            let observer = try await Connection.open(ConnectionConfiguration(TestPostgres.shared.url()))
            try await observer.waitUntil(
                "SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = $1", connection.backendPID)
            await observer.close()
            task.cancel()
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            #expect(error?.code == .cancelled)
        }
    }

    @Test func `a session that ends during a copy is a lost connection`() async throws {
        let connection = try await Connection.open(ConnectionConfiguration(TestPostgres.shared.url()), logger: quiet)
        let error = await #expect(throws: PostgresError.self) {
            try await connection.copyRows(
                preceding: ["SELECT 1"],
                query: "SELECT CASE WHEN g = 5000 THEN pg_terminate_backend(pg_backend_pid()) END "
                    + "FROM generate_series(1, 10000) AS g", types: [16])
        }
        #expect(error?.code == .connectionLost)
        #expect(await !connection.isUsable)
        await connection.close()
    }

    @Test func `the preceding queries and the copy are one transaction`() async throws {
        try await withConnection { connection in
            let numbers = "SELECT pg_current_xact_id()"
            let (texts, cells) = try await copy(connection, preceding: [numbers, numbers], numbers + "::text")
            #expect(texts[0] == texts[1])
            #expect(String(decoding: cells.array(0, 0), as: UTF8.self) == texts[0][0])
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `the copy sees what was committed while a preceding query ran, whose locks are held`() async throws {
        let database = try await TestDatabase()
        let table = quoteIdentifier(database.schema)
        try await withConnection { connection in
            let other = try await Connection.open(ConnectionConfiguration(database.url))
            let (gate, mark) = (Int.random(in: 1...Int.max), Int.random(in: 1...Int.max))
            try await other.execute(script: "CREATE TABLE \(table) (n bigint); SELECT pg_advisory_lock(\(gate))")
            let count = "SELECT count(*) FROM \(table)"
            // Waits until the other session, which holds the gate, has committed.
            let waiting = "SELECT pg_advisory_xact_lock_shared(\(gate))"
            async let answer = connection.copyRows(
                preceding: [count, "SELECT pg_try_advisory_xact_lock(\(mark))", waiting], query: count, types: [20])
            try await other.waitUntil(
                "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1", connection.backendPID)
            let free = try await other.query("SELECT pg_try_advisory_xact_lock($1)", mark)
            #expect(try free.first?.decode(0, as: Bool.self) == false)
            try await other.execute(script: "INSERT INTO \(table) VALUES (1)")
            try await other.execute(script: "SELECT pg_advisory_unlock(\(gate))")
            let (texts, cells) = try await answer
            #expect(texts == [["0"], ["t"], [""]])
            #expect(cells.array(0, 0) == [0, 0, 0, 0, 0, 0, 0, 1])
            try await other.execute(script: "DROP TABLE \(table)")
            await other.close()
        }
    }

    @Test func `a description names the types of the columns`() async throws {
        try await withConnection { connection in
            let types = try await connection.describe("SELECT 1::int8, 'x'::text, ''::bytea, now()")
            #expect(types == [PostgresType.int8, PostgresType.text, PostgresType.bytea, PostgresType.timestamptz])
            #expect(try await connection.describe("SET LOCAL work_mem = '1MB'").isEmpty)
        }
    }
}

extension ResultCells {
    func array(_ row: Int, _ column: Int) -> [UInt8] {
        bytes(row: row, column: column).withUnsafeBytes { Array($0) }
    }
}
