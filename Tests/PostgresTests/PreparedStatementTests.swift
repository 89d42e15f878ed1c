import TestSupport
import Testing

@testable import Postgres

@Suite struct PreparedStatementTests {
    private func withConnection(_ body: (Connection, _ table: String) async throws -> Void) async throws {
        let database = try await TestDatabase()
        let connection = try await Connection.open(ConnectionConfiguration(database.url), logger: quiet)
        let table = quoteIdentifier(database.schema)
        do {
            try await body(connection, table)
        } catch {
            try? await connection.execute(script: "DROP TABLE IF EXISTS \(table)")
            await connection.close()
            throw error
        }
        try await connection.execute(script: "DROP TABLE IF EXISTS \(table)")
        await connection.close()
    }

    private func preparedCount(_ connection: Connection) async throws -> Int? {
        try await connection.query("SELECT count(*) FROM pg_prepared_statements").first?.decode(0)
    }

    /// The cache's view is the server's: each statement that is used again is prepared, and nothing else is.
    private func expectAgreement(
        _ connection: Connection, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let atServer = try await preparedCount(connection)
        let known = await connection.statements.count
        #expect(atServer == known, sourceLocation: sourceLocation)
    }

    private func statement(_ sql: String) -> Statement { Statement(name: "same", sql: sql) }

    @Test func `statements of the same name run their own text`() async throws {
        try await withConnection { connection, _ in
            for _ in 0..<2 {
                for number in 1...3 {
                    let answer = try await connection.query(statement("SELECT \(number)")).first?.decode(
                        0, as: Int.self)
                    #expect(answer == number)
                }
                let results = try await connection.pipeline((1...4).map { BoundStatement(statement("SELECT \($0)")) })
                #expect(try results.map { try $0[0].decode(0, as: Int.self) } == [1, 2, 3, 4])
            }
            #expect(try await preparedCount(connection) == 4)
            try await expectAgreement(connection)
        }
    }

    @Test func `the same text runs with parameters of several types`() async throws {
        try await withConnection { connection, _ in
            for _ in 0..<2 {
                let number = try await connection.query(statement("SELECT $1"), 7)
                #expect(try number[0].decode(0, as: Int.self) == 7)
                let text = try await connection.query(statement("SELECT $1"), "a")
                #expect(try text[0].decode(0, as: String.self) == "a")
            }
            #expect(try await preparedCount(connection) == 2)
        }
    }

    @Test func `a statement that was prepared stays so although it failed at once`() async throws {
        try await withConnection { connection, _ in
            for values in [[0], [0, 1], [1, 0], [1]] {
                for value in values {
                    let failed = await Task {
                        try await connection.pipeline([BoundStatement(statement("SELECT 1 / $1"), [value])])
                    }.result
                    #expect((try? failed.get()) == nil ? value == 0 : value == 1)
                }
                try await expectAgreement(connection)
            }
            #expect(try await preparedCount(connection) == 1)
        }
    }

    @Test func `after a failure within a pipeline each statement runs, singly and in pipelines`() async throws {
        try await withConnection { connection, table in
            let divides = (0..<4).map { BoundStatement(statement("SELECT \($0) + 1 / $1"), [$0 % 2]) }
            let missing = BoundStatement(statement("SELECT * FROM \(table)"))
            for _ in 0..<3 {
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.pipeline([divides[0], missing, divides[1], missing, divides[2], divides[3]])
                }
                #expect(error?.sqlState?.rawValue == "22012")
                try await expectAgreement(connection)
                #expect(try await connection.query(divides[1]).first?.decode(0, as: Int.self) == 2)
                #expect(try await connection.pipeline([divides[3]])[0][0].decode(0, as: Int.self) == 4)
            }
            try await connection.execute(script: "CREATE TABLE \(table) (n bigint)")
            #expect(try await connection.pipeline([missing, missing]).map(\.count) == [0, 0])
            try await expectAgreement(connection)
        }
    }

    @Test(arguments: ["DISCARD ALL", "DEALLOCATE ALL"])
    func `a session that was reset behind the connection's back goes on`(reset: String) async throws {
        try await withConnection { connection, _ in
            let bounds = (1...3).map { BoundStatement(statement("SELECT \($0)")) }
            for _ in 0..<2 {
                try await connection.pipeline(bounds)
                try await connection.execute(script: reset)
                #expect(try await connection.query(bounds[0]).first?.decode(0, as: Int.self) == 1)
                let results = try await connection.pipeline(bounds)
                #expect(try results.map { try $0[0].decode(0, as: Int.self) } == [1, 2, 3])
                try await expectAgreement(connection)

                try await connection.execute(script: reset)
                let again = try await connection.pipeline(bounds)
                #expect(try again.map { try $0[0].decode(0, as: Int.self) } == [1, 2, 3])

                try await connection.execute(script: reset)
                let together = try await connection.implicitTransaction(bounds)
                #expect(try together.map { try $0[0].decode(0, as: Int.self) } == [1, 2, 3])
                try await connection.pipeline(bounds)
                try await expectAgreement(connection)
            }
        }
    }

    @Test func `statements on a table that was altered go on`() async throws {
        try await withConnection { connection, table in
            try await connection.execute(script: "CREATE TABLE \(table) AS SELECT 1 AS a")
            let all = BoundStatement(statement("SELECT * FROM \(table)"))
            let some = BoundStatement(statement("SELECT * FROM \(table) WHERE a = 1"))
            try await connection.pipeline([all, some])
            try await connection.execute(script: "ALTER TABLE \(table) ADD COLUMN b text")
            #expect(try await connection.query(all).columnCount == 2)
            try await connection.execute(script: "ALTER TABLE \(table) ALTER COLUMN b TYPE bytea USING b::bytea")
            #expect(try await connection.pipeline([all, some])[1].type(column: 1) == PostgresType.bytea)
            try await connection.execute(script: "ALTER TABLE \(table) ADD COLUMN c text")
            #expect(try await connection.implicitTransaction([all, some]).map(\.columnCount) == [3, 3])
            try await connection.pipeline([all, some])
            try await expectAgreement(connection)
        }
    }

    @Test func `a feature that is not supported is no reason to run a statement again`() async throws {
        try await withConnection { connection, _ in
            let bound = BoundStatement(statement("SELECT 1"))
            try await connection.query(bound)
            let before = await connection.statements.preparedName(for: bound)
            try await connection.execute(
                script: """
                    CREATE FUNCTION pg_temp.unsupported() RETURNS int LANGUAGE plpgsql AS
                    $$ BEGIN RAISE feature_not_supported; END $$
                    """)
            let raising = BoundStatement(statement("SELECT pg_temp.unsupported()"))
            for _ in 0..<2 {
                let error = await #expect(throws: PostgresError.self) { try await connection.query(raising) }
                #expect(error?.sqlState == .featureNotSupported)
            }
            #expect(before != nil)
            let after = await connection.statements.preparedName(for: bound)
            #expect(after == before)
        }
    }

    @Test func `a transaction with a statement that went stale fails, and the next one works`() async throws {
        try await withConnection { connection, table in
            try await connection.execute(script: "CREATE TABLE \(table) AS SELECT 1 AS a")
            let bounds = ["", " WHERE a = 1", " WHERE a = 2"].map { condition in
                BoundStatement(statement("SELECT * FROM \(table)\(condition)"))
            }
            func runAll() async throws {
                try await connection.withTransaction { transaction in
                    for bound in bounds { try await transaction.query(bound) }
                    try await transaction.pipeline(bounds)
                }
            }
            try await runAll()
            for change in ["ALTER TABLE \(table) ADD COLUMN b text", "DEALLOCATE ALL"] {
                try await connection.execute(script: change)
                let error = await #expect(throws: PostgresError.self) { try await runAll() }
                #expect([.featureNotSupported, .invalidSQLStatementName].contains(error?.sqlState))
                try await runAll()
                try await expectAgreement(connection)

                try await connection.execute(script: change.replacing("b text", with: "c text"))
                await #expect(throws: PostgresError.self) {
                    try await connection.withTransaction { try await $0.pipeline(bounds) }
                }
                try await runAll()
                try await expectAgreement(connection)
            }
        }
    }

    @Test func `a name that the server has already is passed over`() async throws {
        try await withConnection { connection, _ in
            let (one, two) = (BoundStatement(statement("SELECT 1")), BoundStatement(statement("SELECT 2")))
            func takeName(_ number: Int) async throws {
                let token = await connection.statements.token
                try await connection.execute(script: "PREPARE same_\(token)_\(number) AS SELECT 0")
            }
            try await takeName(1)
            #expect(try await connection.query(one).first?.decode(0, as: Int.self) == 1)
            try await takeName(3)
            let results = try await connection.implicitTransaction([one, two])
            #expect(try results.map { try $0[0].decode(0, as: Int.self) } == [1, 2])
        }
    }

    @Test func `the server keeps no more statements than the bound, and those that are in use`() async throws {
        try await withConnection { connection, _ in
            let capacity = await connection.statements.capacity
            let kept = BoundStatement(statement("SELECT 'kept'"))
            try await connection.query(kept)
            let name = await connection.statements.preparedName(for: kept)
            for number in 0..<capacity * 2 {
                try await connection.query(statement("SELECT \(number)"))
                try await connection.query(kept)
            }
            let single = try #require(try await preparedCount(connection))
            #expect(single <= capacity + 1)
            let stillKept = await connection.statements.preparedName(for: kept)
            #expect(stillKept == name)
            try await connection.pipeline((0..<capacity * 3).map { BoundStatement(statement("SELECT -\($0)")) })
            let piped = try #require(try await preparedCount(connection))
            #expect(piped <= capacity * 2)
            try await expectAgreement(connection)
            try await connection.withTransaction { transaction in
                for number in 0..<capacity * 2 {
                    let answer = try await transaction.query(statement("SELECT 1 + \(number)"))
                    #expect(try answer.first?.decode(0, as: Int.self) == 1 + number)
                }
            }
            let inBlock = try #require(try await preparedCount(connection))
            #expect(inBlock <= capacity * 2)
            try await connection.withTransaction { _ in }
            #expect(try await preparedCount(connection) == capacity)
            try await expectAgreement(connection)
        }
    }

    @Test func `a cancelled statement leaves cache and server of one mind`() async throws {
        try await withConnection { connection, _ in
            let sleeping = BoundStatement(statement("SELECT pg_sleep($1)"), [30.0])
            let task = Task { try await connection.pipeline([sleeping]) }
            let observer = try await Connection.open(ConnectionConfiguration(TestPostgres.shared.url()))
            try await observer.waitUntil(
                "SELECT state = 'active' AND query LIKE '%pg_sleep%' FROM pg_stat_activity WHERE pid = $1",
                connection.backendPID)
            await observer.close()
            task.cancel()
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            #expect(error?.code == .cancelled)
            try await expectAgreement(connection)
            #expect(try await connection.query(statement("SELECT pg_sleep($1)"), 0.0).count == 1)
        }
    }

    @Test func `more parameters than the protocol carries are refused, and the connection goes on`() async throws {
        try await withConnection { connection, _ in
            let bound = BoundStatement("SELECT 1", Array(repeating: 1, count: 70_000))
            let error = await #expect(throws: PostgresError.self) {
                try await connection.pipeline([BoundStatement(statement("SELECT 1")), bound])
            }
            #expect(error?.code == .misuse)
            #expect(try await connection.query(statement("SELECT 1")).count == 1)
            try await expectAgreement(connection)
        }
    }
}

extension StatementCache {
    fileprivate func preparedName(for bound: BoundStatement) -> String? {
        var copy = self
        return copy.preparedName(of: bound.key)
    }
}
