import Consumers
import EventSourcing
import KafkaBridge
import Postgres

/// Everything about the state of all processes that the database tells.
struct StatusSource: Sendable {
    struct Picture: Sendable {
        var store: StoreStatus
        /// What waits for somebody's decision, by consumer.
        var deadLetters: [String: DeadLetters.Count]
    }

    private let reader: StatusReader
    private let letters: DeadLetters

    init(_ tables: TableNames, scopes: [String: EventScope], backlogLimit: Int) {
        reader = StatusReader(tables, scopes: scopes, backlogLimit: backlogLimit)
        letters = DeadLetters(tables)
    }

    /// - Throws: `SourceError`, or `PostgresError`.
    func take(on connection: Connection) async throws -> Picture {
        let store = try await reader.read(on: connection)
        let counts = try await letters.counts(on: connection)
        return Picture(store: store, deadLetters: counts.reduce(into: [:]) { $0[$1.consumer] = $1 })
    }
}
