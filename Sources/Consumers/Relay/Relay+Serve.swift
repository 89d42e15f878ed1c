import Logging
import Postgres

extension Relay {
    /// Serves the consumer with one session after the other, until stopped.
    func serve(_ hand: @escaping @Sendable (FeedBatch) async throws -> Void) async throws {
        var backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(5))
        var isAway = false
        while !wakeups.isClosed || !progress.current.isDrained {
            do {
                guard let session = try await RelaySession.open(for: self) else { return }
                if isAway { logger.notice("the database is back") }
                isAway = false
                backoff.reset()
                return try await session.run(hand)
            } catch {
                try Task.checkCancellation()
                guard error.isDatabaseAway else { throw error }
                if !isAway { logger.warning("the database is away, waiting for it: \(error)") }
                isAway = true
                if wakeups.isClosed { return }
                _ = await wakeups.wait(atMost: backoff.next())
            }
        }
    }
}

extension Error {
    /// Whether waiting for the database mends it.
    var isDatabaseAway: Bool {
        var database = self as? PostgresError
        if case .database(let error)? = self as? HorizonError { database = error }
        guard let database else { return false }
        return database.isConnectionFailure || database.isTransient || database.isTimeout
    }
}

extension PostgresError {
    /// A lock that was not to be had, or a statement that took too long: the server is busy, not wrong.
    fileprivate var isTimeout: Bool {
        sqlState == .lockNotAvailable || (sqlState == .queryCanceled && code == .statement)
    }
}
