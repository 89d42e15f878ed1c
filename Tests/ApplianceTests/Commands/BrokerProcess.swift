import Foundation
import Glibc
import TestSupport

/// `godwit broker` on a directory of its own, which can be ended and started again on the same port.
final class BrokerProcess {
    private let directory: String
    private let port: UInt16
    private var process: RunningCommand

    var bootstrapServers: String { "127.0.0.1:\(port)" }

    private init(directory: String, port: UInt16, process: RunningCommand) {
        self.directory = directory
        self.port = port
        self.process = process
    }

    /// Starts a broker and gives it to the body; it is gone afterwards.
    static func with(_ body: (BrokerProcess) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: TestDatabase.uniqueName("broker")).path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        // Below the ports that the system gives to clients, so that none of them takes it while the broker is away.
        var port = UInt16.random(in: 15_000..<30_000)
        var started = try await launch(directory, port)
        for _ in 0..<20 where started == nil {
            port = UInt16.random(in: 15_000..<30_000)
            started = try await launch(directory, port)
        }
        guard let started else { throw NoStart() }
        let broker = BrokerProcess(directory: directory, port: port, process: started)
        do {
            try await body(broker)
            await broker.end(SIGKILL)
        } catch {
            await broker.end(SIGKILL)
            throw error
        }
    }

    /// Ends it by a signal.
    func end(_ signal: Int32) async {
        process.send(signal)
        _ = await process.result()
    }

    /// Stops it from doing anything; its sockets stay open.
    func freeze() { process.send(SIGSTOP) }

    /// Lets it go on.
    func thaw() { process.send(SIGCONT) }

    /// Starts it again with what it kept.
    func start() async throws {
        guard let again = try await Self.launch(directory, port) else { throw NoStart() }
        process = again
    }

    /// Counts attempts to connect in the broker's place, each of which it ends at once, until there were so many.
    func refuseConnections(_ count: Int) async throws {
        let port = port
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            Thread.detachNewThread {
                continuation.resume(with: Result { try Self.refuseConnections(count, port) })
            }
        }
    }

    private static func refuseConnections(_ count: Int, _ port: UInt16) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(listener) }
        var isReused: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &isReused, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isBound, listen(listener, 16) == 0 else { throw NoStart() }
        for _ in 0..<count {
            var waiting = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, 30_000) == 1 else { throw NoAttempt() }
            close(accept(listener, nil, nil))
        }
    }

    /// Nil if the port is taken.
    private static func launch(_ directory: String, _ port: UInt16) async throws -> RunningCommand? {
        let process = try Command.godwit(
            "broker", "--listen", "127.0.0.1:\(port)", "--data", directory, "--no-auto-create"
        ).start()
        return await process.waitForOutput("listening on") ? process : nil
    }

    struct NoStart: Error {}
    struct NoAttempt: Error {}
}
