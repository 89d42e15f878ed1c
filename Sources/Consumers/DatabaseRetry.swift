import EventSourcing
package import Postgres

extension Error {
    /// PostgreSQL's error, also where it is wrapped.
    var postgresError: PostgresError? {
        switch self as? SourceError {
        case .database(let error)?, .unreadable(let error)?: return error
        default: break
        }
        if case .database(let error)? = self as? EventStoreError { return error }
        return self as? PostgresError
    }

    /// What the failure means, if it is one of PostgreSQL.
    package var databaseTrouble: PostgresError.Classification? { postgresError?.classification }

    /// Whether nothing answers, rather than a server that says why.
    var isSilence: Bool {
        guard let error = postgresError else { return false }
        return (error.code == .connectionLost || error.code == .connectionFailed) && error.sqlState == nil
    }

    /// Whether the connection was lost, or the server with it, so that others may be lost too.
    var isLoss: Bool { databaseTrouble.map { $0.kind == .away || $0.kind == .recovering } ?? false }

    /// Whether waiting for the database fixes it: it is away, recovers, or is too busy to answer in time.
    package var isDatabaseAway: Bool { databaseTrouble?.passes ?? false }

    /// Whether it may be fixed while a process that has worked before waits: the database passes through something, or
    /// an operator gives back a right, a password, a table or a column.
    package var isRecoverable: Bool { databaseTrouble.map { $0.kind != .bug } ?? false }
}

/// The pauses between attempts at something that the database is needed for.
package struct DatabaseRetry: Sendable {
    private var backoff: Backoff

    /// - Parameters:
    ///   - initial: the first pause; each further one is twice as long.
    ///   - maximum: the longest, and so the longest time after the database's return until the next attempt.
    package init(initial: Duration = .milliseconds(50), maximum: Duration = .seconds(1)) {
        backoff = Backoff(initial: initial, maximum: maximum)
    }

    /// Waits for the next attempt.
    ///
    /// - Throws: the error, if waiting does not fix it; `CancellationError`.
    package mutating func pause(after error: any Error) async throws {
        try Task.checkCancellation()
        guard error.isRecoverable else { throw error }
        try await Task.sleep(for: backoff.next())
    }

    /// The attempt succeeded.
    package mutating func succeeded() { backoff.reset() }
}
