import Consumers
import EventSourcing
import Postgres

/// Keeps how many events each aggregate has and when the last one happened, by a statement for each event.
struct EventByEvent: Consumer {
    let name = "event-by-event"
    let schema: String
    let table: String

    func handle(_ event: PersistedEvent, in transaction: Transaction) async throws {
        try await transaction.query(
            """
            INSERT INTO \(identifier: schema).\(identifier: table) AS old VALUES (\(event.aggregateID), 1, \(event.globalPosition))
            ON CONFLICT (aggregate) DO UPDATE SET events = old.events + 1, last = excluded.last
            """)
    }
}

/// The same by a statement for each batch.
struct BatchByBatch: BatchConsumer {
    let name = "batch-by-batch"
    let schema: String
    let table: String

    func handle(_ events: [PersistedEvent], in transaction: Transaction) async throws {
        var rows: [String: (count: Int, last: Int64)] = [:]
        for event in events {
            rows[event.aggregateID, default: (0, 0)].count += 1
            rows[event.aggregateID]?.last = event.globalPosition
        }
        let (aggregates, counts, lasts) = (Array(rows.keys), rows.values.map(\.count), rows.values.map(\.last))
        try await transaction.query(
            """
            INSERT INTO \(identifier: schema).\(identifier: table) AS old SELECT * FROM unnest(\(aggregates), \(counts), \(lasts))
            ON CONFLICT (aggregate) DO UPDATE SET events = old.events + excluded.events, last = excluded.last
            """)
    }
}
