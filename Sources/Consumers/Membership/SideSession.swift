package import Postgres
import Synchronization

/// Lends a connection for short statements beside the flow of events.
package protocol ConnectionLending: Sendable {
    /// Lends a connection to the body.
    ///
    /// - Throws: what the body throws, and a `PostgresError` where there is no connection to be had.
    func withConnection<Value: Sendable>(
        _ body: @escaping @Sendable (Connection) async throws -> Value
    ) async throws -> Value
}

extension ConnectionPool: ConnectionLending {}

/// Lends the control connection of the worker that runs on a source, so that what is kept of single events needs none of
/// its own.
package final class SideSession: ConnectionLending {
    private let current = Mutex<ControlSession?>(nil)

    /// The worker's session, from now on.
    func set(_ session: ControlSession) {
        current.withLock { $0 = session }
    }

    package func withConnection<Value: Sendable>(
        _ body: @escaping @Sendable (Connection) async throws -> Value
    ) async throws -> Value {
        guard let session = current.withLock({ $0 }) else {
            throw PostgresError(.closed, "no worker runs on this source")
        }
        return try await session.perform(body)
    }
}
