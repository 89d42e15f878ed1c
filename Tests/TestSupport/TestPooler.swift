import FoundationEssentials
import Glibc
import LocalPostgres

/// A PgBouncer before a server, where the program is installed or named by `GODWIT_TEST_PGBOUNCER`.
package final class TestPooler: Sendable {
    /// The program; nil where there is none.
    package static let program: String? = [
        ProcessInfo.processInfo.environment["GODWIT_TEST_PGBOUNCER"] ?? "", "/usr/sbin/pgbouncer",
    ].first { FileManager.default.isExecutableFile(atPath: $0) }

    package let port: UInt16
    private let process: RunningCommand
    private let folder: TestFolder

    /// - Parameters:
    ///   - mode: `session`, `transaction` or `statement`.
    ///   - poolSize: server sessions, at most.
    ///   - settings: further lines of the file.
    package init(before server: UInt16, mode: String, poolSize: Int = 20, settings: [String] = []) async throws {
        port = try LoopbackPort.free()
        folder = try TestFolder()
        let lines =
            [
                "[databases]", "* = host=127.0.0.1 port=\(server) user=postgres", "[pgbouncer]",
                "listen_addr = 127.0.0.1", "listen_port = \(port)", "unix_socket_dir =", "auth_type = any",
                "pool_mode = \(mode)", "default_pool_size = \(poolSize)",
            ] + settings
        let file = try folder.write("pgbouncer.ini", lines.joined(separator: "\n") + "\n")
        let path = Self.program ?? ""
        let identity = ["--reuid=postgres", "--regid=postgres", "--init-groups", "--", path, file]
        // It does not run as root.
        process = try (getuid() == 0 ? Command("/usr/bin/setpriv", identity) : Command(path, [file])).start()
        guard await process.waitForError("process up") else { throw Unstarted(reason: process.standardError) }
    }

    package func url(database: String = "postgres") -> String {
        "postgres://postgres@127.0.0.1:\(port)/\(database)"
    }

    package func stop() async {
        process.send(SIGKILL)
        _ = await process.result()
    }

    package struct Unstarted: Error, CustomStringConvertible {
        package let reason: String

        package var description: String { "pgbouncer does not start: \(reason)" }
    }
}
