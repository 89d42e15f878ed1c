import CLibPQ
import DedicatedThread
import Glibc
import Logging
import Synchronization

/// One connection to PostgreSQL, an actor on a thread of its own.
///
/// Statements run one after the other. A cancelled task cancels its statement. Once the connection is lost, every call
/// throws; a ``ConnectionPool`` opens new ones.
public actor Connection {
    private nonisolated let executor: DedicatedThread
    /// The connection's thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// The server's process for this connection, as `pg_stat_activity` shows it.
    public nonisolated let backendPID: Int32
    /// The server's version, for example 150018 for 15.18.
    public nonisolated let serverVersion: Int32

    nonisolated let watch: StatementWatch
    private nonisolated let nextStatementID = Atomic<UInt64>(1)
    var handle: ConnectionHandle?
    var statements = StatementCache()
    private var openTransaction: UInt64?
    private var transactionCount: UInt64 = 0

    /// Connects, with the secrets as the configuration holds them.
    static func connect(
        _ configuration: ConnectionConfiguration, logger: Logger
    ) async throws(PostgresError) -> Connection {
        let watch = try StatementWatch()
        let notices = NoticeReceiver(logger: logger)
        // Abandoned with its thread where the look-up of a name takes longer, which nothing can end.
        let limit = configuration.connectTimeout * 2 + .seconds(1)
        let result = await withTaskCancellationHandler {
            await BlockingCall.run(named: "pg-connect", atMost: limit) {
                () -> Result<ConnectionHandle, PostgresError> in
                do throws(PostgresError) {
                    return .success(try ConnectionHandle.connect(configuration, notices: notices, watch: watch))
                } catch {
                    return .failure(error)
                }
            }
        } onCancel: {
            watch.wakeup.signal()
        }
        guard let result else {
            throw PostgresError(
                .connectionFailed,
                "no answer about the name in \(configuration.redactedDescription) within \(limit)")
        }
        let connection = Connection(watch: watch, handle: try result.get())
        configuration.connections?.add(connection.watch)
        return connection
    }

    private init(watch: StatementWatch, handle: ConnectionHandle) {
        self.watch = watch
        executor = DedicatedThread(name: "pg-connection")
        backendPID = handle.backendPID
        serverVersion = handle.serverVersion
        watch.arm(handle.makeCancelRequest(), process: handle.backendPID)
        self.handle = handle
    }

    /// Closes the connection; whatever was not committed is rolled back by the server.
    public func close() {
        handle = nil
    }

    /// Whether statements may still be sent.
    public var isUsable: Bool {
        guard let handle else { return false }
        return !handle.isBroken
    }

    /// Whether the connection is fit to be lent to another caller: alive, and no transaction on it.
    var isReusable: Bool {
        guard let handle, !handle.isBroken, openTransaction == nil else { return false }
        return handle.transactionStatus == PQTRANS_IDLE
    }

    // MARK: Statements

    /// Runs the statement and returns its rows.
    @discardableResult
    public nonisolated func query(
        _ statement: Statement, _ values: any PostgresEncodable...
    ) async throws(PostgresError) -> ResultSet {
        try await run(BoundStatement(statement, values), in: nil)
    }

    /// Runs the statement with its values and returns its rows: `query("SELECT name FROM users WHERE id = \(id)")`.
    @discardableResult
    @_disfavoredOverload
    public nonisolated func query(_ bound: BoundStatement) async throws(PostgresError) -> ResultSet {
        try await run(bound, in: nil)
    }

    /// Runs a text of several statements without parameters, as one transaction unless the text says otherwise.
    public nonisolated func execute(script: String) async throws(PostgresError) {
        try await execute(script: script, in: nil)
    }

    nonisolated func execute(script: String, in transaction: UInt64?) async throws(PostgresError) {
        try await cancellable(in: transaction) { connection, handle throws(PostgresError) in
            try handle.executeScript(script)
        }
    }

    nonisolated func run(_ bound: BoundStatement, in transaction: UInt64?) async throws(PostgresError) -> ResultSet {
        try await cancellable(in: transaction) { connection, handle throws(PostgresError) in
            try handle.execute(bound, statements: &connection.statements)
        }
    }

    /// Runs the body on the connection's thread; a cancelled task cancels what the server does for it.
    nonisolated func cancellable<Value: Sendable>(
        in transaction: UInt64?,
        _ body: @Sendable (isolated Connection, ConnectionHandle) throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        let id = makeStatementID()
        let watch = self.watch
        let result = await withTaskCancellationHandler {
            await perform(id: id, in: transaction, body)
        } onCancel: {
            watch.cancel(id)
        }
        return try result.get()
    }

    private func perform<Value>(
        id: UInt64, in transaction: UInt64?,
        _ body: (isolated Connection, ConnectionHandle) throws(PostgresError) -> Value
    ) -> Result<Value, PostgresError> {
        guard let handle else { return .failure(PostgresError(.closed, "the connection is closed")) }
        if let error = handle.endedBecause { return .failure(error) }
        guard transaction == openTransaction else {
            return .failure(
                transaction == nil
                    ? PostgresError(.transactionOpen, "a transaction is open on this connection")
                    : PostgresError(.misuse, "the transaction has ended"))
        }
        if transaction != nil, handle.transactionStatus == PQTRANS_IDLE {
            return .failure(
                PostgresError(
                    .misuse,
                    "a statement of the transaction has ended it (COMMIT or ROLLBACK): leave that to the closure's end")
            )
        }
        watch.begin(id)
        defer {
            if !watch.end() { _ = handle.giveUp("a request to cancel is still under way") }
        }
        // A cancellation that came before `begin` found nothing to cancel.
        if Task.isCancelled { return .failure(PostgresError(.cancelled, "the task was cancelled")) }
        do throws(PostgresError) {
            return .success(try body(self, handle))
        } catch {
            guard error.sqlState == .queryCanceled, Task.isCancelled else { return .failure(error) }
            return .failure(
                PostgresError(
                    .cancelled, "the task was cancelled", sqlState: .queryCanceled, statement: error.statement))
        }
    }

    nonisolated func makeStatementID() -> UInt64 { nextStatementID.add(1, ordering: .relaxed).newValue }

    // MARK: Transactions

    /// A cancellation that came before found nothing to bound.
    private func beginEnding(_ id: UInt64) {
        watch.begin(id)
        if Task.isCancelled { watch.bound(id) }
    }

    /// Begins a transaction and gives its number, which every statement of it must name.
    func begin(_ sql: String) throws(PostgresError) -> UInt64 {
        guard let handle else { throw PostgresError(.closed, "the connection is closed") }
        if let error = handle.endedBecause { throw error }
        guard openTransaction == nil else {
            throw PostgresError(.transactionOpen, "a transaction is open on this connection")
        }
        // Within the block it could not be done: a failure there would fail the block.
        if statements.hasSurplus { _ = try handle.pipeline([], statements: &statements) }
        try handle.executeScript(sql)
        transactionCount += 1
        openTransaction = transactionCount
        return transactionCount
    }

    /// Commits. If the server rolls back instead, or does not answer, this throws.
    func commit(_ id: UInt64) throws(PostgresError) {
        defer { openTransaction = nil }
        guard let handle else { throw PostgresError(.closed, "the connection is closed") }
        if let error = handle.endedBecause { throw error }
        beginEnding(id)
        defer { _ = watch.end() }
        let result = try handle.executeUnprepared(BoundStatement("COMMIT"))
        if result.commandTag != "COMMIT" {
            throw PostgresError(
                .rolledBack, "a statement of the transaction had failed, so that its commit rolled it back")
        }
    }

    /// Rolls back. If even that fails, the connection is given up, and the server rolls back on its own.
    func rollback(_ id: UInt64) {
        openTransaction = nil
        guard let handle, handle.endedBecause == nil else { return self.handle = nil }
        beginEnding(id)
        defer { _ = watch.end() }
        do throws(PostgresError) {
            try handle.executeScript("ROLLBACK")
        } catch {
            self.handle = nil
        }
    }
}
