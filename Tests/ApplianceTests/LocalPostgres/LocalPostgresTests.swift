import FoundationEssentials
import Glibc
import LocalPostgres
import TestSupport
import Testing

@Suite struct LocalPostgresTests {
    @Test func `a cluster answers on its port and socket, and its folder goes with stop`() async throws {
        let cluster = try await LocalPostgres.start()
        #expect(try await psql(cluster.url, "select current_user") == "postgres")
        let bySocket = "postgres://postgres@/postgres?host=\(cluster.socketDirectory)&port=\(cluster.port)"
        #expect(try await psql(bySocket, "show max_prepared_transactions") == "64")
        #expect(try await psql(cluster.url, "show listen_addresses") == "127.0.0.1")
        let pid = try #require(await cluster.pid)
        await cluster.stop()
        #expect(!FileManager.default.fileExists(atPath: cluster.folder))
        #expect(kill(pid, 0) == -1)
        await cluster.stop()
    }

    @Test func `settings reach the server and may hold quotes`() async throws {
        var options = LocalPostgres.Options()
        options.statementStatistics = true
        options.settings = ["search_path": #""o'clock", public"#, "max_connections": "23"]
        let cluster = try await LocalPostgres.start(options)
        #expect(try await psql(cluster.url, "show search_path") == #""o'clock", public"#)
        #expect(try await psql(cluster.url, "show max_connections") == "23")
        #expect(try await psql(cluster.url, "show shared_preload_libraries") == "pg_stat_statements")
        await cluster.stop()
    }

    @Test func `a cluster with a password refuses another`() async throws {
        var options = LocalPostgres.Options()
        options.authentication = .scram(password: "s3 cret/%")
        let cluster = try await LocalPostgres.start(options)
        #expect(try await psql(cluster.url, "select 1") == "1")
        await #expect(throws: (any Error).self) {
            try await psql(cluster.url(user: "postgres", password: "wrong"), "select 1")
        }
        await cluster.stop()
    }

    @Test(arguments: [LocalPostgres.ShutdownMode.fast, .immediate])
    func `data and port survive stopping and starting`(mode: LocalPostgres.ShutdownMode) async throws {
        var options = LocalPostgres.Options()
        options.fsync = true
        let cluster = try await LocalPostgres.start(options)
        _ = try await psql(cluster.url, "create table kept as select 42 as answer")
        try await cluster.stopServer(mode)
        #expect(await cluster.pid == nil)
        await #expect(throws: (any Error).self) { try await psql(cluster.url, "select 1") }
        try await cluster.startServer()
        #expect(try await psql(cluster.url, "select answer from kept") == "42")
        try await cluster.restart()
        #expect(try await psql(cluster.url, "select answer from kept") == "42")
        await cluster.stop()
    }

    @Test func `a server that refuses its settings says why`() async throws {
        var options = LocalPostgres.Options()
        options.settings = ["work_mem": "plenty"]
        let error = await #expect(throws: LocalPostgresError.self) { try await LocalPostgres.start(options) }
        #expect(error?.message.contains("work_mem") == true)
    }

    @Test func `a postmaster killed outright can be started again on its data`() async throws {
        var options = LocalPostgres.Options()
        options.fsync = true
        let cluster = try await LocalPostgres.start(options)
        _ = try await psql(cluster.url, "create table kept as select 42 as answer")
        kill(try #require(await cluster.pid), SIGKILL)
        try await cluster.restart()
        #expect(try await psql(cluster.url, "select answer from kept") == "42")
        await cluster.stop()
    }

    private struct PsqlFailure: Error, CustomStringConvertible {
        let description: String
    }

    private func psql(_ url: String, _ statement: String) async throws -> String {
        let result = try await Command("/usr/bin/psql", ["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", statement])
            .run()
        guard result.exitCode == 0 else { throw PsqlFailure(description: result.standardError) }
        return result.standardOutput.split(separator: "\n", omittingEmptySubsequences: true).joined(separator: "\n")
    }
}
