import EventSourcing
import Logging
import Postgres

/// A worker's one connection for everything but reading events: heartbeats, claims and checkpoints of all consumers.
///
/// One task at a time uses it; heartbeats come first. Nothing keeps a heartbeat from being sent in time: a statement waits for a
/// lock for a part of the lease only, and what still runs when a heartbeat has waited for as long is cancelled, to be
/// tried again.
actor ControlSession {
    private let configuration: ConnectionConfiguration
    private let patience: Duration
    private let logger: Logger
    private var connection: Connection?
    private var proven: ServerLife?
    private var isBusy = false
    private var urgent: [CheckedContinuation<Void, Never>] = []
    private var waiters: [CheckedContinuation<Void, Never>] = []
    /// Cancels what uses the connection now, unless that is urgent.
    private var giveWay: (@Sendable () -> Void)?
    private var isGivingWay = false

    /// - Parameter patience: how long a statement may wait for a lock, and something urgent for what runs: at most a quarter of
    ///   the lease.
    init(_ configuration: ConnectionConfiguration, patience: Duration, logger: Logger) {
        var configuration = configuration
        configuration.purpose = .control
        // Zero means without bound.
        let own = configuration.lockTimeout
        configuration.lockTimeout = max(.milliseconds(1), own > .zero ? min(own, patience) : patience)
        configuration.answerTimeout = Self.answerTimeout
        self.configuration = configuration
        self.patience = patience
        self.logger = logger
    }

    /// Everything that is asked here is short: silence for so long means that nothing answers any more.
    private static let answerTimeout: Duration = .seconds(5)

    /// Connects.
    func open() async throws {
        let connection = try await Connection.open(configuration, logger: logger)
        do {
            try await connection.query(Self.noticeLostClients)
        } catch  where !error.isConnectionFailure {
            // The lock of a worker that is cut off comes free later then.
            logger.debug("the server takes no TCP settings from a session: \(error)")
        } catch {
            await connection.close()
            throw error
        }
        await self.connection?.close()
        self.connection = connection
        proven = nil
    }

    /// Has the server's side notice within 8 s that this worker is cut off, so that its session lock comes free. Settings that the
    /// server does not have are left out; over a Unix socket they change nothing.
    private static let noticeLostClients = Statement(
        """
        SELECT set_config(told.name, told.value, false)
        FROM (VALUES ('tcp_keepalives_idle', '4'), ('tcp_keepalives_interval', '2'), ('tcp_keepalives_count', '2'),
            ('tcp_user_timeout', '8000')) AS told (name, value)
        JOIN pg_catalog.pg_settings USING (name)
        """)

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
    ///   - isUrgent: comes before all that is not, and is not kept waiting for long by what runs.
    /// - Throws: ``AnotherServerLife``; a `PostgresError` that counts as the database being away while there is no
    ///   connection, and as it being busy where the body gave way to something urgent.
    func perform<Value: Sendable>(
        in life: ServerLife? = nil, isUrgent: Bool = false,
        _ body: @escaping @Sendable (Connection) async throws -> Value
    ) async throws -> Value {
        await begin(isUrgent)
        defer { end() }
        guard let connection else { throw PostgresError(.closed, "the control session is being made anew") }
        if isUrgent { return try await body(connection) }
        let isProven = life == nil || life == proven
        // A task of its own, so that it can be cancelled without cancelling the caller.
        let work = Task {
            if let life, !isProven { try await life.prove(on: connection) }
            return try await body(connection)
        }
        giveWay = { work.cancel() }
        do {
            let value = try await withTaskCancellationHandler {
                try await work.value
            } onCancel: {
                work.cancel()
            }
            if let life, self.connection === connection { proven = life }
            return value
        } catch  where isGivingWay && !Task.isCancelled {
            throw PostgresError(.statement, "gave way to a heartbeat, and is tried again", sqlState: .queryCanceled)
        }
    }

    private func begin(_ isUrgent: Bool) async {
        guard isBusy else {
            isBusy = true
            return
        }
        if !isUrgent { return await withCheckedContinuation { waiters.append($0) } }
        // Not longer than what is waited for.
        let alarm = Task {
            try await Task.sleep(for: patience)
            cancelWork()
        }
        await withCheckedContinuation { urgent.append($0) }
        alarm.cancel()
    }

    private func cancelWork() {
        guard !urgent.isEmpty, let giveWay, !isGivingWay else { return }
        isGivingWay = true
        giveWay()
    }

    /// Hands the connection on.
    private func end() {
        giveWay = nil
        isGivingWay = false
        if !urgent.isEmpty {
            urgent.removeFirst().resume()
        } else if !waiters.isEmpty {
            waiters.removeFirst().resume()
        } else {
            isBusy = false
        }
    }
}
