import EventSourcing
import FoundationEssentials
import Glibc
import LocalPostgres
import Postgres
import TestSupport
import Testing

@testable import Appliance

private let program: String? = [
    ProcessInfo.processInfo.environment["GODWIT_TEST_PGBOUNCER"] ?? "", "/usr/sbin/pgbouncer",
].first { FileManager.default.isExecutableFile(atPath: $0) }

/// The doctor behind PgBouncer, where that is installed or named by `GODWIT_TEST_PGBOUNCER`.
@Suite(.enabled(if: program != nil, "there is no pgbouncer"))
struct PoolerTests {
    @Test(arguments: ["session", "transaction", "statement"])
    func `what kind of pooler stands between is found out`(_ mode: String) async throws {
        let server = try await LocalPostgres.start()
        let port = try LoopbackPort.free()
        let folder = FileManager.default.temporaryDirectory.path + "/" + TestDatabase.uniqueName("godwit-pooler")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        chmod(folder, 0o777)
        let settings = """
            [databases]
            postgres = host=127.0.0.1 port=\(server.port) user=postgres
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = \(port)
            unix_socket_dir =
            auth_type = any
            pool_mode = \(mode)
            """
        try Data(settings.utf8).write(to: URL(filePath: folder + "/pgbouncer.ini"))
        chmod(folder + "/pgbouncer.ini", 0o644)
        let path = program ?? ""
        let identity = ["--reuid=postgres", "--regid=postgres", "--init-groups", "--", path]
        // It does not run as root.
        let command =
            getuid() == 0
            ? Command("/usr/bin/setpriv", identity + [folder + "/pgbouncer.ini"])
            : Command(path, [folder + "/pgbouncer.ini"])
        let pooler = try command.start()
        let url = "postgres://postgres@127.0.0.1:\(port)/postgres"
        #expect(await pooler.waitForError("process up"))
        let database = try Configuration.read(
            nil, name: "", environment: ["GODWIT_DATABASE_URL": url], needs: [.database]
        ) { _ in "" }.configuration.database
        var kind: DatabaseFacts.Pooler?
        do {
            kind = try await DatabaseExamination(database: database, scopes: [:]).take().pooler
        } catch {
            Issue.record(error)
        }
        #expect(kind == (mode == "session" ? .session : .transaction))
        pooler.send(SIGKILL)
        _ = await pooler.result()
        await server.stop()
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test func `without one, none is found`() async throws {
        let url = try await TestPostgres.shared.url()
        let database = try Configuration.read(
            nil, name: "", environment: ["GODWIT_DATABASE_URL": url], needs: [.database]
        ) { _ in "" }.configuration.database
        #expect(try await DatabaseExamination(database: database, scopes: [:]).take().pooler == .none)
    }
}
