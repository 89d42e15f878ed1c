import EventSourcing
import Logging
import Postgres

/// A worker's one connection for everything but reading events: heartbeats, claims and checkpoints of all consumers.
///
/// One task at a time uses it; heartbeats come first. No statement of it waits long for what others hold, so that none
/// keeps a heartbeat from being sent in time.
actor ControlSession {
    private let configuration: ConnectionConfiguration
    private let logger: Logger
    private var connection: Connection?
    private var proven: ServerLife?
    private var isBusy = false
    private var urgent: [CheckedContinuation<Void, Never>] = []
    private var waiters: [CheckedContinuation<Void, Never>] = []

    /// - Parameter patience: how long a statement may wait for a lock.
    init(_ configuration: ConnectionConfiguration, patience: Duration, logger: Logger) {
        var configuration = configuration
        configuration.purpose = .control
        configuration.lockTimeout = min(configuration.lockTimeout, patience)
        self.configuration = configuration
        self.logger = logger
    }

    /// Connects.
    func open() async throws {
        let connection = try await Connection.open(configuration, logger: logger)
        await self.connection?.close()
        self.connection = connection
        proven = nil
    }

    /// Ends the connection; what uses it meanwhile fails.
    func close() async {
        let connection = connection
        self.connection = nil
        proven = nil
        await connection?.close()
    }

    /// Uses the connection by itself.
    ///
    /// - Parameters:
    ///   - life: what the body relies on; the connection proves to be to the same life of the server.
    ///   - isUrgent: comes before all that is not.
    /// - Throws: ``AnotherServerLife``; a `PostgresError` that counts as the database being away while there is no
    ///   connection.
    func perform<Value: Sendable>(
        in life: ServerLife? = nil, isUrgent: Bool = false, _ body: @Sendable (Connection) async throws -> Value
    ) async throws -> Value {
        await begin(isUrgent)
        defer { end() }
        guard let connection else { throw PostgresError(.closed, "the database is away") }
        if let life, life != proven {
            try await life.prove(on: connection)
            proven = life
        }
        return try await body(connection)
    }

    private func begin(_ isUrgent: Bool) async {
        guard isBusy else {
            isBusy = true
            return
        }
        await withCheckedContinuation { continuation in
            if isUrgent { urgent.append(continuation) } else { waiters.append(continuation) }
        }
    }

    /// Hands the connection on.
    private func end() {
        if !urgent.isEmpty {
            urgent.removeFirst().resume()
        } else if !waiters.isEmpty {
            waiters.removeFirst().resume()
        } else {
            isBusy = false
        }
    }
}
