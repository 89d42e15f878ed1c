extension Connection {
    /// Runs the statements in one round trip, each in a transaction of its own.
    ///
    /// A statement that the server no longer has as it was prepared is run again after the others.
    ///
    /// - Returns: the results in order. The first failure is thrown, after the statements behind it have run too.
    @discardableResult
    public nonisolated func pipeline(_ statements: [BoundStatement]) async throws(PostgresError) -> [ResultSet] {
        try await pipeline(statements, in: nil)
    }

    nonisolated func pipeline(
        _ statements: [BoundStatement], in transaction: UInt64?
    ) async throws(PostgresError) -> [ResultSet] {
        try await cancellable(in: transaction) { connection, handle throws(PostgresError) in
            try handle.pipeline(statements, statements: &connection.statements)
        }
    }

    /// Runs the statements in one round trip and in one transaction, without `BEGIN` and `COMMIT`.
    ///
    /// All are sent with one sync behind the last. The server runs them one after the other and commits at the sync, so
    /// that either all take effect or none. The transaction has the session's isolation level. Under READ COMMITTED each
    /// statement has a snapshot of its own, which shows what others committed while an earlier one ran. Locks that a
    /// statement takes, on rows, tables or of the advisory kind that ends with the transaction, are held until the sync.
    ///
    /// The statements must not begin or end a transaction themselves, and `LOCK TABLE` is refused: the server wants a block
    /// for it. Where preparations are missing, they go along.
    ///
    /// The first failure ends the transaction, the statements behind it do not run, and it is thrown; so is a failure of
    /// the commit itself, for example of a deferred constraint. If a statement was no longer as prepared, the whole is
    /// run once more. A cancelled task cancels the statement that is running, and with it the transaction; a
    /// cancellation that comes during the commit may come too late, and then the results are returned.
    ///
    /// - Returns: the results in order.
    /// - Throws: `connectionLost` if the connection broke, in which case the transaction may have been committed.
    @discardableResult
    package nonisolated func implicitTransaction(
        _ statements: [BoundStatement]
    ) async throws(PostgresError) -> [ResultSet] {
        try await cancellable(in: nil) { connection, handle throws(PostgresError) in
            try handle.implicitTransaction(statements, statements: &connection.statements)
        }
    }
}
