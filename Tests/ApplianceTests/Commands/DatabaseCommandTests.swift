import EventSourcing
import FoundationEssentials
import LocalPostgres
import Postgres
import TestSupport
import Testing

@testable import Appliance

@Suite struct DatabaseCommandTests {
    private static func variables(_ database: TestDatabase) -> [String: String] {
        [
            "GODWIT_DATABASE_URL": database.url, "GODWIT_DATABASE_SCHEMA": database.schema,
            "GODWIT_DATABASE_GODWIT_SCHEMA": database.schema, "GODWIT_NOTIFY_MODE": "never",
        ]
    }

    private static func line(_ id: String, _ more: String = "") -> String {
        #"{"bounded_context":"Identity","aggregate_type":"User","aggregate_id":"\#(id)","event_type":"E","payload":{"n":1}\#(more)}"#
    }

    private func withDatabase(_ body: (TestDatabase, [String: String]) async throws -> Void) async throws {
        let database = try await TestDatabase()
        let result: Result<Void, any Error>
        do { result = .success(try await body(database, Self.variables(database))) } catch { result = .failure(error) }
        let connection = try await Connection.open(ConnectionConfiguration(database.url))
        try await connection.execute(script: "DROP SCHEMA IF EXISTS \(database.schema) CASCADE")
        await connection.close()
        try result.get()
    }

    private func count(_ database: TestDatabase) async throws -> Int64 {
        let connection = try await Connection.open(ConnectionConfiguration(database.url))
        let result = try await connection.query(Statement("SELECT count(*) FROM \(database.schema).events"))
        await connection.close()
        return try #require(try result.first?.decode(0, as: Int64.self))
    }

    @Test func `migrate prints a script that psql applies, also twice`() async throws {
        try await withDatabase { database, variables in
            let printed = try await Command.godwit("migrate", "--print", environment: variables).run()
            #expect(printed.exitCode == 0)
            for _ in 1...2 {
                let psql = try await Command(
                    "/usr/bin/psql", ["-Xq", "-v", "ON_ERROR_STOP=1", "-d", database.url], input: printed.standardOutput
                ).run()
                #expect(psql.exitCode == 0, "\(psql.standardError)")
            }
            let applied = try await Command.godwit("migrate", "--json", environment: variables).run()
            #expect(applied.exitCode == 0)
            #expect(try JSONParser.parse(applied.standardOutput)["applied"] == [])
        }
    }

    @Test func `migrate and append work on an empty database`() async throws {
        try await withDatabase { database, variables in
            let migrated = try await Command.godwit("migrate", environment: variables).run()
            #expect(migrated.exitCode == 0, "\(migrated.standardError)")
            #expect(migrated.standardOutput.contains("applied 1 "))
            let appended = try await Command.godwit(
                "append", "--json", environment: variables,
                input: "\(Self.line("a"))\n\n\(Self.line("a"))\n\(Self.line("b", #","expected_version":"no_stream""#))"
            ).run()
            #expect(appended.exitCode == 0, "\(appended.standardError)")
            let report = try JSONParser.parse(appended.standardOutput)
            #expect(report["events"] == 3 && report["transactions"] == 1)
            #expect(try await count(database) == 3)
        }
    }

    @Test func `append is all or nothing per batch, names the line, and says what went before`() async throws {
        try await withDatabase { database, variables in
            _ = try await Command.godwit("migrate", environment: variables).run()
            let wrong = try await Command.godwit(
                "append", "--batch", "2", environment: variables,
                input: [Self.line("a"), Self.line("b"), Self.line("c"), "nonsense", Self.line("d")].joined(
                    separator: "\n")
            ).run()
            #expect(wrong.exitCode == 65)
            #expect(wrong.standardError.contains("godwit: line 4: not JSON"))
            #expect(wrong.standardError.contains("nothing of lines 3 to 4 was appended; committed before: 2 events"))
            #expect(try await count(database) == 2)

            let conflict = try await Command.godwit(
                "append", environment: variables,
                input: "\(Self.line("e"))\n\(Self.line("a", #","expected_version":"no_stream""#))\n"
            ).run()
            #expect(conflict.exitCode == 14)
            #expect(conflict.standardError.contains("godwit: line 2: aggregate User \"a\": expected no events"))
            #expect(try await count(database) == 2)
        }
    }

    @Test func `a missing table is one line that names migrate, and 12`() async throws {
        try await withDatabase { _, variables in
            let result = try await Command.godwit("append", environment: variables, input: Self.line("a")).run()
            #expect(result.exitCode == 12)
            #expect(result.standardError.split(separator: "\n").first?.contains("godwit migrate") == true)
        }
    }

    @Test func `no server, a wrong password, a database that is not there, and missing rights have a code each`()
        async throws
    {
        var options = LocalPostgres.Options()
        options.authentication = .scram(password: "right")
        let cluster = try await LocalPostgres.start(options)
        let admin = try await Connection.open(ConnectionConfiguration(cluster.url))
        try await admin.execute(script: "CREATE ROLE reader LOGIN PASSWORD 'right'")
        await admin.close()
        let closed = try LoopbackPort.free()
        let cases: [(String, Int32, String)] = [
            ("postgres://postgres@127.0.0.1:\(closed)/postgres", 10, "refused"),
            (cluster.url(user: "postgres", password: "wrong-hush"), 11, "password"),
            (cluster.url(user: "postgres", password: "right", database: "none"), 11, "none"),
            (cluster.url(user: "reader", password: "right"), 13, "permission denied"),
        ]
        for (url, code, word) in cases {
            let result = try await Command.godwit("migrate", environment: ["GODWIT_DATABASE_URL": url]).run()
            #expect(result.exitCode == code, "\(url): \(result.standardError)")
            #expect(result.standardError.split(separator: "\n").count == 1, "\(result.standardError)")
            #expect(result.standardError.contains(word), "\(result.standardError)")
            #expect(!result.standardError.contains("hush"))
        }
        await cluster.stop()
    }
}
