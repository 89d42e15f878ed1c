import EventSourcing
import Postgres
import TestSupport
import Testing

@testable import Consumers

/// Batches of events that PostgreSQL makes up, without a table.
enum EventRows {
    static func batch(
        _ sql: String, isFull: Bool = false, segment: (EventView) -> Int = { _ in 0 }
    ) async throws -> FeedBatch {
        let connection = try await Connection.open(ConnectionConfiguration(TestPostgres.shared.url()))
        let events = try EventBatch(await connection.query(BoundStatement(Statement(sql), [])))
        await connection.close()
        return FeedBatch(
            events: events,
            selection: events.indices.map { FeedBatch.Selected(index: $0, segment: segment(events[$0])) },
            through: events.last?.globalPosition ?? 0, isFull: isFull)
    }

    /// Events whose number is their position (from 1), spread over contexts and aggregates.
    static func numbered(_ range: Range<Int>, contexts: Int = 1, aggregates: Int = 10) async throws -> FeedBatch {
        try await batch(
            sql(
                "g", rows: (range.lowerBound + 1)...range.upperBound, context: "'context' || g % \(contexts)",
                aggregate: "'aggregate-' || g % \(aggregates)"))
    }

    static func sql(
        _ number: String, rows: ClosedRange<Int>, context: String = "'context0'", aggregate: String = "'a'",
        payload: String = "'payload ' || g"
    ) -> String {
        """
        SELECT g::bigint, \(context), 'Type', \(aggregate), g::bigint, gen_random_uuid(), 'Happened', 1::int4,
            convert_to(\(payload), 'UTF8'), NULL::text, NULL::text, NULL::text, NULL::jsonb, now()
        FROM generate_series(\(rows.lowerBound), \(rows.upperBound)) AS g ORDER BY g
        """
    }
}

extension Publication {
    /// Waits for the acknowledgement, as the relay does, of what must not halt.
    func acknowledged(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let outcome = try await outcome()
        #expect(outcome == .done, sourceLocation: sourceLocation)
    }

    /// Waits for the acknowledgement, as the relay does.
    func outcome() async throws -> PublicationOutcome { try await waitForAcknowledgement() }
}
