package import EventSourcing
package import Postgres

/// The SQL by which a consumer's segments are exchanged for another number of them, in one transaction.
package struct SegmentExchangesTable: Sendable {
    private let table: TableName
    private let segments: TableName
    private let scopes: TableName
    private let owners: TableName
    private let events: String

    package init(_ tables: TableNames) {
        table = tables.godwitTable("segment_exchanges")
        scopes = tables.godwitTable("checkpoint_scopes")
        owners = tables.godwitTable("transactional_segments")
        segments = tables.consumerSegments
        events = tables.events.text
    }

    /// The last exchange of a consumer's segments.
    package struct Exchange: Sendable, Equatable {
        /// Counts the exchanges.
        package let generation: Int64
        package let former: FormerSegments
    }

    package func read(
        _ consumer: String, on session: some PostgresSession
    ) async throws(PostgresError) -> Exchange? {
        let sql =
            "SELECT generation, former_checkpoints FROM \(table.sql) WHERE events_table = $1 AND consumer_name = $2"
        let statement = BoundStatement(Statement(name: "exchanges_read", sql: sql), [events, consumer])
        guard let row = try await session.query(statement).first else { return nil }
        return Exchange(generation: try row.decode(0), former: FormerSegments(try row.decode(1)))
    }

    /// The consumer's segments: id, number of segments, owner or NULL, checkpoint, epoch.
    package func rows(_ consumer: String) -> BoundStatement {
        BoundStatement(Statement(name: "exchanges_rows", sql: "\(selection) ORDER BY segment_id"), [consumer])
    }

    /// The same, locked until the transaction ends.
    package func lock(_ consumer: String) -> BoundStatement {
        BoundStatement(
            Statement(name: "exchanges_lock", sql: "\(selection) ORDER BY segment_id FOR UPDATE"), [consumer])
    }

    private var selection: String {
        "SELECT segment_id, total_segments, owner_id, checkpoint, epoch FROM \(segments.sql) WHERE consumer_name = $1"
    }

    /// Under which transactional ids the consumer's segments are delivered exactly once, locked until the transaction ends: id,
    /// transactional id or NULL, epoch.
    package func lockOwners(_ consumer: String) -> BoundStatement {
        let sql = """
            SELECT segment_id, transactional_id, epoch FROM \(owners.sql)
            WHERE events_table = $1 AND consumer_name = $2 ORDER BY segment_id FOR UPDATE
            """
        return BoundStatement(Statement(name: "exchanges_lock_owners", sql: sql), [events, consumer])
    }

    /// Puts new segments that nobody owns in the place of the recorded owners.
    package func exchangeOwners(_ consumer: String, to total: Int, epoch: Int64, lineage: String) -> [BoundStatement] {
        let make = """
            INSERT INTO \(owners.sql) (events_table, consumer_name, segment_id, transactional_id, epoch, lineage)
            SELECT $1, $2, segment, NULL, $4, $5 FROM generate_series(0, $3::integer - 1) AS segment
            """
        return [
            BoundStatement(
                Statement("DELETE FROM \(owners.sql) WHERE events_table = $1 AND consumer_name = $2"),
                [events, consumer]),
            BoundStatement(Statement(make), [events, consumer, Int32(total), epoch, lineage]),
        ]
    }

    /// Whether segments of the consumer were delivered exactly once: one row, one value.
    package func isExactlyOnce(_ consumer: String) -> BoundStatement {
        let sql = "SELECT EXISTS (SELECT FROM \(owners.sql) WHERE events_table = $1 AND consumer_name = $2)"
        return BoundStatement(Statement(name: "exchanges_exactly_once", sql: sql), [events, consumer])
    }

    /// Puts so many segments in the place of those that are there, all of which begin behind one position.
    package func exchange(
        _ consumer: String, to total: Int, checkpoint: Int64, epoch: Int64, former: FormerSegments
    ) -> [BoundStatement] {
        let remove = "DELETE FROM \(segments.sql) WHERE consumer_name = $1"
        let make = """
            INSERT INTO \(segments.sql) (consumer_name, segment_id, total_segments, checkpoint, epoch)
            SELECT $1, segment, $2::integer, $3, $4 FROM generate_series(0, $2::integer - 1) AS segment
            """
        let record = """
            INSERT INTO \(table.sql) AS exchanges (events_table, consumer_name, generation, former_checkpoints)
            VALUES ($1, $2, 1, $3) ON CONFLICT (events_table, consumer_name) DO UPDATE SET
                generation = exchanges.generation + 1, former_checkpoints = excluded.former_checkpoints,
                exchanged_at = clock_timestamp()
            """
        return [
            BoundStatement(Statement(remove), [consumer]),
            BoundStatement(Statement(make), [consumer, Int32(total), checkpoint, epoch]),
            BoundStatement(Statement(record), [events, consumer, former.checkpoints]),
        ]
    }

    /// Where the new segments began, and what was wanted since.
    ///
    /// The former segments have changed their scope at positions of their own, where they stood at the time. Of each scope the
    /// new ones get the lowest: an event in between may then count as missing that was never wanted, not the other way round.
    ///
    /// Removes the former rows, and gives those of each new segment: position, contexts, types, filter.
    package func takeScopes(_ consumer: String) -> BoundStatement {
        let sql = """
            WITH former AS (
                DELETE FROM \(scopes.sql) WHERE events_table = $1 AND consumer_name = $2
                RETURNING segment_id, after_position, bounded_contexts, aggregate_types, filter
            ), numbered AS (
                SELECT *, row_number() OVER (PARTITION BY segment_id ORDER BY after_position) AS number FROM former
            ), merged AS (
                SELECT bounded_contexts, aggregate_types, filter, min(after_position) AS after_position, number
                FROM numbered GROUP BY bounded_contexts, aggregate_types, filter, number
            )
            SELECT DISTINCT ON (after_position) after_position, bounded_contexts, aggregate_types, filter
            FROM merged ORDER BY after_position, number DESC
            """
        return BoundStatement(Statement(sql), [events, consumer])
    }

    /// Inserts one of the rows that ``takeScopes(_:)`` gave, for each new segment.
    package func insertScope(_ consumer: String, to total: Int, _ row: Row) throws(PostgresError) -> BoundStatement {
        let sql = """
            INSERT INTO \(scopes.sql) (events_table, consumer_name, segment_id, after_position, bounded_contexts,
                aggregate_types, filter)
            SELECT $1, $2, segment, $4, $5, $6, $7 FROM generate_series(0, $3::integer - 1) AS segment
            """
        return BoundStatement(
            Statement(sql),
            [
                events, consumer, Int32(total), try row.decode(0, as: Int64.self), try row.decode(1, as: [String].self),
                try row.decode(2, as: [String].self), try row.decode(3, as: String.self),
            ])
    }
}
