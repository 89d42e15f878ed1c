import Foundation
import Glibc
import LocalPostgres
import Postgres
import TestSupport

/// A streaming standby of a throw-away cluster, in that one's folder. While it is there, a commit waits for it, so that a
/// fail-over loses nothing.
final class Standby: Sendable {
    let port: UInt16
    private let folder: String
    private let process: RunningCommand

    private init(port: UInt16, folder: String, process: RunningCommand) {
        self.port = port
        self.folder = folder
        self.process = process
    }

    /// Copies the primary, follows it, and has its commits wait.
    static func start(of primary: LocalPostgres, _ connection: Connection) async throws -> Standby {
        let programs = try PostgresInstallation.find().programs
        let port = try LoopbackPort.free()
        // Of its own for each attempt.
        let folder = "\(primary.folder)/standby-\(port)"
        let copied = try await asOwner([
            "\(programs)/pg_basebackup", "-D", folder, "-R", "-X", "stream", "-c", "fast", "-h", primary.folder, "-p",
            "\(primary.port)", "-U", LocalPostgres.superuser,
        ]).run()
        guard copied.exitCode == 0 else { throw TortureError("pg_basebackup: \(copied.standardError)") }
        // Where this process is killed, the server ends by itself once it misses its folder, which goes with the primary.
        let process = try asOwner(["\(programs)/postgres", "-D", folder, "-p", "\(port)", "-k", folder]).start()
        let standby = Standby(port: port, folder: folder, process: process)
        guard await process.waitForError("database system is ready to accept read-only connections") else {
            throw TortureError("the standby: \(process.standardError.suffix(1_000))")
        }
        for setting in ["synchronous_standby_names = '*'", "synchronous_commit = on"] {
            try await connection.execute(script: "ALTER SYSTEM SET \(setting)")
        }
        try await connection.execute(script: "SELECT pg_reload_conf()")
        return standby
    }

    /// Lets commits of the primary go on alone, once it answers.
    static func forget(by connect: () async throws -> Connection) async throws {
        for _ in 0..<100 {
            do {
                let connection = try await connect()
                try await connection.execute(script: "ALTER SYSTEM RESET synchronous_standby_names")
                try await connection.execute(script: "SELECT pg_reload_conf()")
                return await connection.close()
            } catch {
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    /// PostgreSQL refuses to run as root.
    private static func asOwner(_ words: [String]) -> Command {
        if geteuid() != 0 { return Command("/usr/bin/env", words) }
        return Command("/usr/bin/env", ["runuser", "-u", "postgres", "--"] + words)
    }

    /// Makes it the primary.
    func promote(_ url: String) async throws {
        let connection = try await Connection.open(try ConnectionConfiguration(url), logger: quiet)
        // The setting came along, and there is no other standby.
        try await connection.execute(script: "SELECT pg_promote()")
        try await connection.execute(script: "ALTER SYSTEM RESET synchronous_standby_names")
        try await connection.execute(script: "SELECT pg_reload_conf()")
        await connection.close()
    }

    func stop() async {
        if let programs = try? PostgresInstallation.find().programs {
            _ = try? await Self.asOwner(["\(programs)/pg_ctl", "stop", "-D", folder, "-m", "immediate"]).run()
        }
        _ = await process.result()
    }
}
