import CLibPQ
import Glibc
public import Logging

/// A message that some session sent with NOTIFY.
public struct Notification: Sendable, Hashable {
    /// The channel's name.
    public let channel: String
    /// The text sent with it, often empty.
    public let payload: String
    /// The server's process of the sender.
    public let senderPID: Int32
}

/// Listens to channels on a connection of its own.
///
/// Notifications are hints: those sent while no listener is connected are lost. After a lost connection, open a new
/// listener and look at what happened meanwhile.
public struct Listener: Sendable {
    private let connection: Connection

    /// Connects and listens.
    ///
    /// - Parameter channels: names as given to `pg_notify`; they are quoted here.
    public static func open(
        _ configuration: ConnectionConfiguration, channels: [String],
        logger: Logger = Logger(label: "godwit.postgres")
    ) async throws(PostgresError) -> Listener {
        let connection = try await Connection.open(configuration, logger: logger)
        connection.watch.markListener()
        for channel in channels {
            try await connection.query(Statement("LISTEN \(quoteIdentifier(channel))"))
        }
        return Listener(connection: connection)
    }

    /// Waits for notifications and returns all that have come; empty when none came within the time.
    ///
    /// - Throws: `connectionLost`, or `cancelled` when the task is cancelled.
    public func next(within time: Duration) async throws(PostgresError) -> [Notification] {
        let connection = self.connection
        let result = await withTaskCancellationHandler {
            await connection.awaitNotifications(until: .now.advanced(by: time))
        } onCancel: {
            connection.watch.wakeup.signal()
        }
        return try result.get()
    }

    /// Runs a statement on the listening connection, for example to notify oneself.
    public func query(
        _ statement: Statement, _ values: any PostgresEncodable...
    ) async throws(PostgresError) -> ResultSet {
        try await connection.query(BoundStatement(statement, values))
    }

    /// Runs a statement on the listening connection.
    @_disfavoredOverload
    public func query(_ bound: BoundStatement) async throws(PostgresError) -> ResultSet {
        try await connection.query(bound)
    }

    /// The server's process for the connection.
    public var backendPID: Int32 { connection.backendPID }

    /// Ends the connection.
    public func close() async {
        await connection.close()
    }
}

extension Connection {
    fileprivate func awaitNotifications(
        until deadline: ContinuousClock.Instant
    ) -> Result<[Notification], PostgresError> {
        guard let handle else { return .failure(PostgresError(.closed, "the connection is closed")) }
        // Silence is the rule here, and says something only once other connections have shown that nothing answers.
        watch.beginWaiting(.now, isListening: true)
        defer { watch.endWaiting() }
        while true {
            // What came along with an earlier answer is in libpq's buffer already, and the socket stays silent.
            let notifications = handle.takeNotifications()
            if !notifications.isEmpty { return .success(notifications) }
            switch handle.wait(for: Int16(POLLIN), until: deadline) {
            case .timedOut: return .success([])
            case .woken:
                if Task.isCancelled { return .failure(PostgresError(.cancelled, "the task was cancelled")) }
                if watch.limit.isGivenUp {
                    self.handle = nil
                    return .failure(handle.giveUp("the database does not answer"))
                }
            case .ready:
                guard handle.takeIn() else {
                    self.handle = nil
                    return .failure(PostgresError(.connectionLost, "the listening connection broke"))
                }
            }
        }
    }
}

extension ConnectionHandle {
    fileprivate func takeNotifications() -> [Notification] {
        var notifications: [Notification] = []
        while let notify = unsafe PQnotifies(raw) {
            notifications.append(
                Notification(
                    channel: unsafe String(cString: notify.pointee.relname),
                    payload: unsafe String(cString: notify.pointee.extra),
                    senderPID: unsafe notify.pointee.be_pid))
            unsafe PQfreemem(notify)
        }
        return notifications
    }
}

/// The name as an SQL identifier, in quotes.
package func quoteIdentifier(_ name: String) -> String {
    "\"" + name.replacing("\"", with: "\"\"") + "\""
}
