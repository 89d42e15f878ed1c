import Dispatch
import FoundationEssentials
import Glibc

/// The shell that looks after one cluster, reached over a socket pair.
///
/// A socket pair rather than two pipes, because a send on it can be told not to raise SIGPIPE in this process.
final class Supervisor: Sendable {
    let processID: pid_t
    private let descriptor: Int32
    /// Commands block until the shell has answered, seconds at worst: not on the cooperative pool.
    private let queue = DispatchQueue(label: "godwit.local-postgres")

    private init(processID: pid_t, descriptor: Int32) {
        self.processID = processID
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// PostgreSQL refuses to run as root: root runs the whole supervisor as the user `postgres`.
    static func launch(
        installation: PostgresInstallation, temporaryFolder: String
    ) throws(LocalPostgresError) -> Supervisor {
        var arguments = [
            "/bin/bash", "-c", SupervisorScript.text, "godwit-postgres", installation.programs, temporaryFolder,
        ]
        if getuid() == 0 {
            guard getpwnam("postgres") != nil else {
                throw LocalPostgresError(
                    .noServerUser,
                    "PostgreSQL does not run as root, and there is no user postgres to run it as. "
                        + "Run as another user, or install Debian's package postgresql, which makes that user")
            }
            let identity = ["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]
            arguments = ["/usr/bin/setpriv"] + identity + arguments
        }
        var pair: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw LocalPostgresError(.failed, "no socket pair: \(String(cString: strerror(errno)))")
        }
        defer { close(pair[1]) }
        do throws(LocalPostgresError) {
            let processID = try spawn(arguments, connectedTo: pair[1])
            return Supervisor(processID: processID, descriptor: pair[0])
        } catch {
            close(pair[0])
            throw error
        }
    }

    /// Spawns in a session of its own, so that Ctrl-C at the terminal does not stop the server under its owner's feet, and
    /// with no descriptor but the socket, so that nothing of the owner is kept open.
    private static func spawn(_ arguments: [String], connectedTo socket: Int32) throws(LocalPostgresError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, socket, 0)
        posix_spawn_file_actions_adddup2(&actions, socket, 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        for descriptor in inheritedDescriptors() { posix_spawn_file_actions_addclose(&actions, descriptor) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Self.newSession | Int16(POSIX_SPAWN_SETSIGMASK))

        var vector = arguments.map { strdup($0) }
        vector.append(nil)
        defer { for pointer in vector { free(pointer) } }
        var processID: pid_t = 0
        let status = posix_spawn(&processID, arguments[0], &actions, &attributes, &vector, environ)
        guard status == 0 else {
            throw LocalPostgresError(.failed, "\(arguments[0]) does not start: \(String(cString: strerror(status)))")
        }
        return processID
    }

    /// `POSIX_SPAWN_SETSID` of glibc's spawn.h, which shows it to GNU sources only.
    private static let newSession: Int16 = 0x80

    /// The descriptors of this process that a child would get; glibc ignores one that is closed by then.
    private static func inheritedDescriptors() -> [Int32] {
        let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return open.compactMap(Int32.init).filter { descriptor in
            let flags = fcntl(descriptor, F_GETFD)
            return descriptor > 2 && flags >= 0 && flags & FD_CLOEXEC == 0
        }
    }

    /// Sends one command and waits for its answer.
    @discardableResult
    func command(_ line: String) async throws(LocalPostgresError) -> String {
        guard !line.utf8.contains(where: { $0 == UInt8(ascii: "\n") || $0 == 0 }) else {
            throw LocalPostgresError(
                .failed, "a setting or password of the throw-away PostgreSQL contains a line break")
        }
        let result = await withCheckedContinuation { continuation in
            queue.async { [self] in continuation.resume(returning: exchange(line)) }
        }
        return try result.get()
    }

    /// Closes this side for good and waits until the shell has cleaned up and ended. May be called twice.
    func finish() async {
        await withCheckedContinuation { continuation in
            queue.async { [self] in
                shutdown(descriptor, Int32(SHUT_WR))
                while receiveLine() != nil {}
                var status: Int32 = 0
                while waitpid(processID, &status, 0) == -1, errno == EINTR {}
                continuation.resume()
            }
        }
    }

    private func exchange(_ line: String) -> Result<String, LocalPostgresError> {
        guard sendAll(Array((line + "\n").utf8)) else { return .failure(gone) }
        var reasons: [String] = []
        while let answer = receiveLine() {
            if answer.hasPrefix("| ") {
                reasons.append(String(answer.dropFirst(2)))
            } else if answer.hasPrefix("ok") {
                return .success(String(answer.dropFirst(3)))
            } else {
                let verb = line.split(separator: " ").first.map(String.init) ?? line
                let reason = reasons.joined(separator: "\n  ")
                return .failure(
                    LocalPostgresError(.failed, "the throw-away PostgreSQL failed at \(verb):\n  \(reason)"))
            }
        }
        return .failure(gone)
    }

    private var gone: LocalPostgresError {
        LocalPostgresError(.failed, "the supervisor of the throw-away PostgreSQL has ended")
    }

    private func sendAll(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                send(descriptor, buffer.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// One line without its end; nil at the end of the stream. Byte by byte: answers are rare and short.
    private func receiveLine() -> String? {
        var line: [UInt8] = []
        while true {
            var byte: UInt8 = 0
            let count = recv(descriptor, &byte, 1, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
    }
}
