public import Logging

/// Lends connections, at most `size` at a time, and opens new ones in place of those that broke.
///
/// An attempt that finds no server is repeated, with growing and jittered delays, until the acquisition time is over; a
/// refused user or password is thrown at once.
public actor ConnectionPool {
    private let configuration: ConnectionConfiguration
    private let acquisitionTimeout: Duration
    private let logger: Logger
    private var idle: [Connection] = []
    private var free: Int
    private var waiters: [(id: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []
    private var nextWaiterID: UInt64 = 0
    private var isClosed = false

    /// Makes a pool; it connects when it is first used.
    ///
    /// - Parameters:
    ///   - size: how many connections may be open at a time, at least 1.
    ///   - acquisitionTimeout: how long a caller waits for a connection, attempts to connect included.
    public init(
        _ configuration: ConnectionConfiguration, size: Int = 8, acquisitionTimeout: Duration = .seconds(30),
        logger: Logger = Logger(label: "godwit.postgres")
    ) {
        self.configuration = configuration
        self.acquisitionTimeout = acquisitionTimeout
        self.logger = logger
        self.free = max(1, size)
    }

    /// Lends a connection to the body. A connection that comes back broken or inside a transaction is closed.
    ///
    /// - Throws: what the body throws; `poolTimeout`, `connectionFailed`, `authentication`, `cancelled` or `closed`.
    public nonisolated func withConnection<Value>(
        _ body: (Connection) async throws -> Value
    ) async throws -> Value {
        let connection = try await acquire()
        do {
            let value = try await body(connection)
            await release(connection)
            return value
        } catch {
            await release(connection)
            throw error
        }
    }

    /// Lends a connection with a transaction on it; see ``Connection/withTransaction(isolation:_:)``.
    public nonisolated func withTransaction<Value>(
        isolation: IsolationLevel = .readCommitted, _ body: (Transaction) async throws -> Value
    ) async throws -> Value {
        try await withConnection { try await $0.withTransaction(isolation: isolation, body) }
    }

    /// Closes the idle connections, and each other one when it comes back.
    public func close() async {
        isClosed = true
        for waiter in waiters { waiter.continuation.resume(returning: false) }
        waiters = []
        let closing = idle
        idle = []
        for connection in closing { await connection.close() }
    }

    // MARK: Lending

    private func acquire() async throws(PostgresError) -> Connection {
        let deadline = ContinuousClock.now.advanced(by: acquisitionTimeout)
        try await takePlace(until: deadline)
        while let connection = idle.popLast() {
            if await connection.isReusable { return connection }
            await connection.close()
        }
        do throws(PostgresError) {
            return try await connect(until: deadline)
        } catch {
            givePlace()
            throw error
        }
    }

    private func release(_ connection: Connection) async {
        let reusable = await connection.isReusable
        if reusable, !isClosed {
            idle.append(connection)
        } else {
            await connection.close()
        }
        givePlace()
    }

    private func connect(until deadline: ContinuousClock.Instant) async throws(PostgresError) -> Connection {
        var backoff = Backoff(initial: .milliseconds(50), maximum: .seconds(2))
        while true {
            do throws(PostgresError) {
                return try await Connection.open(configuration, logger: logger)
            } catch {
                let delay = backoff.next()
                guard error.isConnectionFailure, ContinuousClock.now.advanced(by: delay) < deadline else { throw error }
                do {
                    try await Task.sleep(for: delay)
                } catch {
                    throw PostgresError(.cancelled, "waiting for the server was cancelled")
                }
            }
        }
    }

    // MARK: Places

    private func takePlace(until deadline: ContinuousClock.Instant) async throws(PostgresError) {
        guard !isClosed else { throw PostgresError(.closed, "the pool is closed") }
        if free > 0 {
            free -= 1
            return
        }
        nextWaiterID += 1
        let id = nextWaiterID
        // Ends a wait that nobody fulfils; it is over at the deadline at the latest.
        let timer = Task {
            try? await Task.sleep(until: deadline, clock: .continuous)
            self.giveUp(waiter: id)
        }
        let granted = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume(returning: false)
                } else {
                    waiters.append((id, continuation))
                }
            }
        } onCancel: {
            timer.cancel()
        }
        timer.cancel()
        if granted { return }
        if isClosed { throw PostgresError(.closed, "the pool is closed") }
        if Task.isCancelled { throw PostgresError(.cancelled, "waiting for a connection was cancelled") }
        throw PostgresError(.poolTimeout, "no connection came free within \(acquisitionTimeout)")
    }

    private func givePlace() {
        if waiters.isEmpty {
            free += 1
        } else {
            waiters.removeFirst().continuation.resume(returning: true)
        }
    }

    private func giveUp(waiter id: UInt64) {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else { return }
        waiters.remove(at: index).continuation.resume(returning: false)
    }
}
