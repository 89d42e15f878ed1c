import Logging

/// Who keeps the session of a connection.
package enum SessionKeeping: Sendable, Equatable {
    /// The server itself, as far as can be seen.
    case server
    /// A pooler that was not seen to give a session to another client.
    case session
    /// A pooler that gives a session to the next client after each transaction or statement.
    case transaction
}

/// Finds out whether a pooler is between, and whether it keeps a session for each client. It sets nothing, so that
/// nothing is left behind in a session of the pool.
///
/// A pooler makes up the process that it announces. Then two clients ask by turns which process serves them. In session
/// mode each has its own for all of its life, so that a process that changes, or serves both, proves the contrary. A pool
/// that hands out the session that was returned last (pgbouncer's default) shows both clients the same one, and one that
/// hands them out in turn changes that of the first. Only a pool in which other clients happen to leave both with
/// sessions of their own in every round is taken for one in session mode. A pooler that announces the server's own
/// process is not seen.
struct PoolerProbe: Sendable {
    private let configuration: ConnectionConfiguration
    private let logger: Logger

    private static let rounds = 5
    /// A session pool that has no second session lets its client wait.
    private static let patience: Duration = .seconds(3)
    private static let process = Statement("SELECT pg_catalog.pg_backend_pid()")

    init(_ configuration: ConnectionConfiguration, logger: Logger) {
        var bare = configuration
        bare.appliesSessionSettings = false
        bare.sessionCheck = nil
        bare.sessionWaits = nil
        self.configuration = bare
        self.logger = logger
    }

    func take() async throws(PostgresError) -> SessionKeeping {
        let first = try await Connection.openWithSecrets(configuration, logger: logger)
        do throws(PostgresError) {
            let keeping = try await examine(first)
            await first.close()
            return keeping
        } catch {
            await first.close()
            throw error
        }
    }

    private func examine(_ first: Connection) async throws(PostgresError) -> SessionKeeping {
        let served = try await process(of: first)
        if served == first.backendPID { return .server }
        guard let second = await secondClient() else { return .session }
        do throws(PostgresError) {
            let isKept = try await keepsSessions(first, second)
            await second.close()
            return isKept ? .session : .transaction
        } catch {
            await second.close()
            throw error
        }
    }

    private func keepsSessions(_ first: Connection, _ second: Connection) async throws(PostgresError) -> Bool {
        let own = try await process(of: first)
        let other = try await process(of: second)
        for _ in 0..<Self.rounds {
            // Twice, so that a pool that hands sessions out in turn shows itself.
            for (client, known) in [(first, own), (first, own), (second, other)] {
                let served = try await process(of: client)
                if served != known || own == other { return false }
            }
        }
        return true
    }

    /// The server's process that serves a client at the moment, without a prepared statement.
    private func process(of connection: Connection) async throws(PostgresError) -> Int32 {
        let rows = try await connection.cancellable(in: nil) { _, handle throws(PostgresError) in
            try handle.executeUnprepared(BoundStatement(Self.process))
        }
        guard let row = rows.first else { throw PostgresError(.decoding, "the server names no process") }
        return try row.decode(0)
    }

    /// Another client of the pooler; nil if there is no session for it.
    private func secondClient() async -> Connection? {
        await withTaskGroup(of: Connection?.self) { group in
            let attempt = SecondClient()
            // A bare task: it may block in libpq for as long as the pooler likes, and is not waited for.
            Task { await attempt.finish(try? Connection.openWithSecrets(configuration, logger: logger)) }
            group.addTask { await attempt.value() }
            group.addTask {
                try? await Task.sleep(for: Self.patience)
                await attempt.finish(nil)
                return nil
            }
            let connection = await group.next() ?? nil
            group.cancelAll()
            return connection
        }
    }
}

/// The first that finishes is taken; a connection that comes too late is closed.
private actor SecondClient {
    private var result: Connection??
    private var waiter: CheckedContinuation<Connection?, Never>?

    func finish(_ connection: Connection?) async {
        guard result == nil else {
            await connection?.close()
            return
        }
        result = .some(connection)
        waiter?.resume(returning: connection)
        waiter = nil
    }

    func value() async -> Connection? {
        if let result { return result }
        return await withCheckedContinuation { waiter = $0 }
    }
}
