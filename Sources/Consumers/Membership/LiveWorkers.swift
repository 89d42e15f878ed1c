package import EventSourcing
package import Postgres

/// Who serves a consumer at the moment, asked without joining them.
package struct LiveWorkers: Sendable {
    private let table: WorkersTable
    private let options: WorkerOptions

    package init(_ tables: TableNames, options: WorkerOptions) {
        table = WorkersTable(tables)
        self.options = options
    }

    /// The workers that are alive by the same rule by which others take over; one that was killed counts for a while yet.
    package func of(_ consumer: String, on session: some PostgresSession) async throws(PostgresError) -> [String] {
        var workers: [String] = []
        for row in try await session.query(table.live([consumer], ownStale: options.staleThreshold)) {
            workers.append(try row.decode(1))
        }
        return workers.sorted()
    }

    /// How long ago each worker of the consumer was heard of, alive or not.
    package func heartbeats(
        of consumer: String, on session: some PostgresSession
    ) async throws(PostgresError) -> [(worker: String, age: Duration)] {
        var heartbeats: [(worker: String, age: Duration)] = []
        for row in try await session.query(table.all) where try row.decode(0, as: String.self) == consumer {
            heartbeats.append((try row.decode(1), .seconds(max(0, try row.decode(2, as: Double.self)))))
        }
        return heartbeats
    }

    /// Of workers those that do not follow an exchange of the consumer's segments: earlier versions, and pupsourcing's.
    package func notFollowing(
        _ consumer: String, among workers: [String], on session: some PostgresSession
    ) async throws(PostgresError) -> [String] {
        var others: [String] = []
        for row in try await session.query(table.others(consumer, among: workers)) { others.append(try row.decode(0)) }
        return others
    }
}
