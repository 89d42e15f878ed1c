import EventSourcing
import Postgres

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

    /// Whether waiting for the database mends it: it is away, or too busy to answer in time.
    package var isDatabaseAway: Bool {
        guard let error = postgresError else { return false }
        let isTimeout = error.sqlState == .lockNotAvailable || error.sqlState == .queryCanceled
        return error.isConnectionFailure || error.isTransient || (isTimeout && error.code == .statement)
            || error.code == .closed
    }
}
