package import EventSourcing
package import Postgres

/// The SQL of the table `checkpoint_scopes`: where each segment of a consumer began, and which events were wanted since.
package struct ScopesTable: Sendable {
    private let table: TableName
    private let segments: TableName
    private let identities: TableName
    private let events: String

    package init(_ tables: TableNames) {
        table = tables.godwitTable("checkpoint_scopes")
        identities = tables.godwitTable("checkpoint_identities")
        segments = tables.consumerSegments
        events = tables.events.text
    }

    /// Reads what is recorded of a consumer.
    package func read(
        _ consumer: String, on session: some PostgresSession
    ) async throws(PostgresError) -> ScopeHistory {
        let sql = """
            SELECT segment_id, after_position, bounded_contexts, aggregate_types, filter FROM \(table.sql)
            WHERE events_table = $1 AND consumer_name = $2
            """
        var history = ScopeHistory()
        for row in try await session.query(BoundStatement(Statement(sql), [events, consumer])) {
            let scope = EventScope(
                aggregateTypes: try row.decode(3), boundedContexts: try row.decode(2), filter: try row.filter(4))
            history.add(.init(after: try row.decode(1), scope: scope), to: try row.decode(0))
        }
        return history
    }

    // MARK: The first start

    /// Forgets what is recorded of a consumer that has no segments: its rows were removed, so that it begins anew.
    func forgetWithoutSegments(_ consumer: String) -> BoundStatement {
        let sql = """
            DELETE FROM \(table.sql) WHERE events_table = $1 AND consumer_name = $2
            AND NOT EXISTS (SELECT FROM \(segments.sql) WHERE consumer_name = $2)
            """
        return BoundStatement(Statement(sql), [events, consumer])
    }

    /// Records where a consumer's new segments begin, unless something is recorded already: the first of several workers
    /// made them.
    func recordStart(_ consumer: String, scope: EventScope) -> BoundStatement {
        let sql = """
            INSERT INTO \(table.sql) (events_table, consumer_name, segment_id, after_position, bounded_contexts,
                aggregate_types, filter)
            SELECT $1, $2, segment_id, checkpoint, $3, $4, $5 FROM \(segments.sql) WHERE consumer_name = $2
            AND NOT EXISTS (SELECT FROM \(table.sql) WHERE events_table = $1 AND consumer_name = $2)
            """
        return BoundStatement(
            Statement(sql), [events, consumer, scope.boundedContexts, scope.aggregateTypes, scope.filter.text])
    }

    /// Keeps the position at which a consumer is to begin while it cannot yet, so that a new process begins there too;
    /// gives the one that is kept.
    func keepPendingStart(_ consumer: String, _ position: Int64) -> BoundStatement {
        let sql = """
            UPDATE \(identities.sql) SET pending_start = coalesce(pending_start, $3)
            WHERE events_table = $1 AND consumer_name = $2 RETURNING pending_start
            """
        return BoundStatement(Statement(sql), [events, consumer, position])
    }

    /// Forgets it once the consumer has begun.
    func clearPendingStart(_ consumer: String) -> BoundStatement {
        let sql = """
            UPDATE \(identities.sql) SET pending_start = NULL
            WHERE events_table = $1 AND consumer_name = $2 AND pending_start IS NOT NULL
            """
        return BoundStatement(Statement(sql), [events, consumer])
    }

    // MARK: Later claims

    /// Records a change for segments that the owner has under the epochs it claimed them.
    func record(_ updates: [ScopeHistory.Update], of consumer: String, owner: String) -> [BoundStatement] {
        guard let scope = updates.first?.entry.scope else { return [] }
        let ids = updates.map { Int32($0.segment) }
        let owned = """
            SELECT named.* FROM unnest($3::integer[], $4::bigint[]) AS named (segment_id, position)
            JOIN \(segments.sql) AS own USING (segment_id) WHERE own.consumer_name = $2 AND own.owner_id = $5
            """
        let drop = """
            DELETE FROM \(table.sql) AS scopes USING (\(owned)) AS own WHERE scopes.events_table = $1
            AND scopes.consumer_name = $2 AND scopes.segment_id = own.segment_id
            AND scopes.after_position > own.position
            """
        let insert = """
            INSERT INTO \(table.sql) AS scopes (events_table, consumer_name, segment_id, after_position,
                bounded_contexts, aggregate_types, filter)
            SELECT $1, $2, own.segment_id, own.position, $6, $7, $8 FROM (\(owned)) AS own
            ON CONFLICT (events_table, consumer_name, segment_id, after_position) DO UPDATE
            SET bounded_contexts = excluded.bounded_contexts, aggregate_types = excluded.aggregate_types,
                filter = excluded.filter, recorded_at = clock_timestamp()
            """
        return [
            BoundStatement(
                Statement(drop), [events, consumer, ids, updates.map(\.dropsBehind), owner]),
            BoundStatement(
                Statement(insert),
                [
                    events, consumer, ids, updates.map(\.entry.after), owner, scope.boundedContexts,
                    scope.aggregateTypes, scope.filter.text,
                ]),
        ]
    }

    /// Has consumers count as begun behind a position of another log, with the scopes they had last.
    func restart(_ consumers: [String], from position: Int64) -> [BoundStatement] {
        let older = """
            DELETE FROM \(table.sql) AS scopes WHERE events_table = $1 AND consumer_name = ANY($2)
            AND EXISTS (SELECT FROM \(table.sql) AS later WHERE later.events_table = scopes.events_table
                AND later.consumer_name = scopes.consumer_name AND later.segment_id = scopes.segment_id
                AND later.after_position > scopes.after_position)
            """
        let move = """
            UPDATE \(table.sql) SET after_position = $3, recorded_at = clock_timestamp()
            WHERE events_table = $1 AND consumer_name = ANY($2)
            """
        return [
            BoundStatement(Statement(older), [events, consumers]),
            BoundStatement(Statement(move), [events, consumers, position]),
        ]
    }
}

extension Row {
    /// A recorded filter.
    package func filter(_ column: Int) throws(PostgresError) -> EventFilter {
        let text = try decode(column, as: String.self)
        do throws(EventFilterError) { return try EventFilter(text: text) } catch {
            throw PostgresError(.decoding, error.description)
        }
    }
}
