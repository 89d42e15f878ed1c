import Postgres

/// Changes of the schema beside a running service.
///
/// A statement that waits for a lock on a table makes every later statement on the table wait behind it. So a change waits
/// for a short time only, lets the others pass, and tries again.
enum ShortLocks {
    /// How long others may wait behind an attempt.
    static let attempt: Duration = .milliseconds(200)
    /// How long to let others pass between two attempts.
    static let pause: Duration = .milliseconds(300)
    /// How long to try.
    static let patience: Duration = .seconds(60)

    /// Runs the body in a transaction whose waits for locks are short, again while a lock cannot be had.
    static func withRetries<Value: Sendable>(
        on connection: Connection, _ body: (Transaction) async throws(PostgresError) -> Value
    ) async throws(EventStoreError) -> Value {
        let end = ContinuousClock.now + patience
        while true {
            do {
                return try await connection.withTransaction { transaction in
                    try await transaction.query(
                        BoundStatement(
                            Statement("SELECT set_config('lock_timeout', $1, true)"),
                            ["\(attempt / .milliseconds(1))ms"]))
                    return try await body(transaction)
                }
            } catch {
                let failure = EventStoreError(error)
                guard case .database(let error) = failure, error.sqlState == .lockNotAvailable else { throw failure }
                guard ContinuousClock.now < end else { throw failure }
                do {
                    try await Task.sleep(for: pause)
                } catch {
                    throw failure
                }
            }
        }
    }
}
