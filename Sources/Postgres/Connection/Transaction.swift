/// An open transaction. It ends with the closure it was handed to; after that every call throws.
public struct Transaction: Sendable {
    let connection: Connection
    let number: UInt64

    /// Runs the statement within the transaction.
    @discardableResult
    public func query(
        _ statement: Statement, _ values: any PostgresEncodable...
    ) async throws(PostgresError) -> ResultSet {
        try await connection.run(BoundStatement(statement, values), in: number)
    }

    /// Runs the statement with its values within the transaction: `query("DELETE FROM users WHERE id = \(id)")`.
    @discardableResult
    @_disfavoredOverload
    public func query(_ bound: BoundStatement) async throws(PostgresError) -> ResultSet {
        try await connection.run(bound, in: number)
    }

    /// Runs a text of several statements without parameters within the transaction.
    public func execute(script: String) async throws(PostgresError) {
        try await connection.execute(script: script, in: number)
    }

    /// Runs the statements within the transaction in one round trip; the first failure ends it.
    @discardableResult
    public func pipeline(_ statements: [BoundStatement]) async throws(PostgresError) -> [ResultSet] {
        try await connection.pipeline(statements, in: number)
    }
}

/// How much a transaction sees of what others commit meanwhile.
public enum IsolationLevel: String, Sendable {
    /// Each statement sees what was committed before it began.
    case readCommitted = "READ COMMITTED"
    /// The transaction sees what was committed before its first statement.
    case repeatableRead = "REPEATABLE READ"
    /// As if transactions ran one after the other.
    case serializable = "SERIALIZABLE"
}

extension Connection {
    /// Runs the body in a transaction: commits when it returns, rolls back when it throws or its task is cancelled.
    ///
    /// - Throws: what the body throws; `rolledBack` if a statement had failed and the body went on regardless;
    ///   `connectionLost` if the connection broke, in which case a commit under way may have taken effect.
    public nonisolated func withTransaction<Value>(
        isolation: IsolationLevel = .readCommitted, _ body: (Transaction) async throws -> Value
    ) async throws -> Value {
        let number = try await begin("BEGIN ISOLATION LEVEL \(isolation.rawValue)")
        let value: Value
        do {
            value = try await body(Transaction(connection: self, number: number))
            try Task.checkCancellation()
        } catch {
            let id = makeStatementID()
            await withTaskCancellationHandler {
                await rollback(id)
            } onCancel: {
                watch.bound(id)
            }
            throw error
        }
        let id = makeStatementID()
        try await withTaskCancellationHandler {
            try await commit(id)
        } onCancel: {
            watch.bound(id)
        }
        return value
    }
}
