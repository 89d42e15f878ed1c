import EventSourcing
import Postgres

extension Error {
    /// PostgreSQL's error, also where it is wrapped.
    var postgresError: PostgresError? {
        if case .database(let error)? = self as? SourceError { return error }
        if case .database(let error)? = self as? EventStoreError { return error }
        return self as? PostgresError
    }

    /// Whether waiting for the database mends it: it is away, or too busy to answer in time.
    package var isDatabaseAway: Bool {
        guard let error = postgresError else { return false }
        let isTimeout = error.sqlState == .lockNotAvailable || error.sqlState == .queryCanceled
        return error.isConnectionFailure || error.isTransient || (isTimeout && error.code == .statement)
            || error.code == .closed
    }
}
