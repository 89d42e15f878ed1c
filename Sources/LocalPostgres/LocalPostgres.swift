/// A throw-away PostgreSQL cluster for tests, `godwit dev` and `godwit demo`.
///
/// It lives in a temporary folder, listens on a free port of 127.0.0.1 and on a Unix socket in that folder, and goes away with
/// its owner: a supervising shell holds the other end of a socket pair, and when that closes, for whatever reason
/// (`stop()`, the end of the process, `kill -9`), it stops the server and removes the folder.
package actor LocalPostgres {
    /// The TCP port on 127.0.0.1; it stays the same over `stopServer` and `startServer`.
    package nonisolated let port: UInt16
    /// The folder with everything in it: data, log, Unix socket.
    package nonisolated let folder: String
    /// The server's major version, such as `15`.
    package nonisolated let majorVersion: Int
    /// The process id of the postmaster; nil while the server is stopped.
    package private(set) var pid: Int32?

    private let options: Options
    private let supervisor: Supervisor

    /// Where the Unix socket is.
    package nonisolated var socketDirectory: String { folder }

    /// The superuser's URL over TCP, with the password when the cluster asks for one.
    package nonisolated var url: String { url(user: Self.superuser, password: options.authentication.password) }

    /// The superuser's name.
    package static let superuser = "postgres"

    private init(
        options: Options, supervisor: Supervisor, folder: String, port: UInt16, majorVersion: Int, pid: Int32
    ) {
        self.options = options
        self.supervisor = supervisor
        self.folder = folder
        self.port = port
        self.majorVersion = majorVersion
        self.pid = pid
    }

    /// Makes a cluster and starts it; it accepts connections when this returns.
    package static func start(_ options: Options = Options()) async throws(LocalPostgresError) -> LocalPostgres {
        let installation = try PostgresInstallation.find()
        let supervisor = try Supervisor.launch(installation: installation, temporaryFolder: options.temporaryFolder)
        do throws(LocalPostgresError) {
            let folder = try await supervisor.command("folder")
            try await supervisor.command("password \(options.authentication.password ?? "")")
            try await supervisor.command("initdb \(options.authentication.method)")
            for setting in options.configuration {
                try await supervisor.command("set \(setting)")
            }
            let (port, pid) = try await startOnFreePort(supervisor)
            return LocalPostgres(
                options: options, supervisor: supervisor, folder: folder, port: port,
                majorVersion: installation.majorVersion, pid: pid)
        } catch {
            await supervisor.finish()
            throw error
        }
    }

    /// Another process may take the port between the look for a free one and the server's bind: then another is tried.
    private static func startOnFreePort(
        _ supervisor: Supervisor
    ) async throws(LocalPostgresError) -> (port: UInt16, pid: Int32) {
        var attempt = 0
        while true {
            let port = try LoopbackPort.free()
            try await supervisor.command("port \(port)")
            do throws(LocalPostgresError) {
                return (port, try await startServer(supervisor))
            } catch {
                attempt += 1
                guard attempt < 5, error.message.contains("Address already in use") else { throw error }
            }
        }
    }

    private static func startServer(_ supervisor: Supervisor) async throws(LocalPostgresError) -> Int32 {
        let answer = try await supervisor.command("start")
        guard let pid = Int32(answer) else {
            throw LocalPostgresError(
                .failed, "the PostgreSQL server started, but its process id is unreadable: \(answer)")
        }
        return pid
    }

    /// A URL over TCP for another user or database of this cluster.
    package nonisolated func url(user: String, password: String? = nil, database: String = "postgres") -> String {
        let secret = password.map { ":" + Self.percentEncoded($0) } ?? ""
        return "postgres://\(Self.percentEncoded(user))\(secret)@127.0.0.1:\(port)/\(Self.percentEncoded(database))"
    }

    /// Starts the server again on the same data and port; does nothing when it runs.
    package func startServer() async throws(LocalPostgresError) {
        pid = try await Self.startServer(supervisor)
    }

    /// Stops the server and keeps its data; connections see it go away.
    package func stopServer(_ mode: ShutdownMode = .fast) async throws(LocalPostgresError) {
        try await supervisor.command("stop \(mode.signal)")
        pid = nil
    }

    /// Stops the server fast and starts it again.
    package func restart(_ mode: ShutdownMode = .fast) async throws(LocalPostgresError) {
        try await stopServer(mode)
        try await startServer()
    }

    /// Stops the server for good and removes its folder; returns when both are gone.
    package func stop() async {
        await supervisor.finish()
        pid = nil
    }

    /// Letters, digits and the unreserved marks as they are, the rest as `%XX`.
    private static func percentEncoded(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF")
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded += ["%", String(hex[Int(byte >> 4)]), String(hex[Int(byte & 15)])].joined()
            }
        }
        return encoded
    }
}
