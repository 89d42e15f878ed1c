package import EventSourcing
package import Postgres

/// The SQL of the table `checkpoint_identities`: which log each consumer's checkpoints count in.
package struct IdentitiesTable: Sendable {
    private let table: TableName
    private let segments: TableName
    private let events: String
    private let rows: SourceRows

    package init(_ tables: TableNames) {
        table = tables.godwitTable("checkpoint_identities")
        segments = tables.consumerSegments
        events = tables.events.text
        rows = SourceRows(tables)
    }

    /// What is recorded of a consumer.
    package struct Recorded: Sendable {
        package let consumer: String
        /// The highest checkpoint; `nil` where the consumer was never started.
        package let checkpoint: Int64?
        /// `nil` where none was recorded: before the first start, or by an earlier version.
        package let identity: StoreIdentity?
        /// Why the source was refused, until an operator accepts it; `nil` if it was not.
        package let refusal: String?
    }

    /// The consumers' highest checkpoints and identities: those recorded under the table's name, else of the table when it had
    /// another.
    func recorded(_ consumers: [String]) -> BoundStatement {
        let sql = """
            SELECT named.consumer,
                (SELECT max(checkpoint) FROM \(segments.sql) WHERE consumer_name = named.consumer),
                i.system_id, i.timeline, i.table_oid, i.sequence_oid, i.sequence_file, i.partitions,
                i.refusal
            FROM unnest($2::text[]) AS named (consumer)
            LEFT JOIN LATERAL (
                SELECT * FROM \(table.sql) AS own WHERE own.consumer_name = named.consumer AND \(rows.condition("own"))
                ORDER BY own.events_table = $1 DESC, own.recorded_at DESC LIMIT 1) AS i ON true
            """
        return BoundStatement(Statement(name: "identities_recorded", sql: sql), [events, consumers])
    }

    /// Reads what is recorded of the consumers.
    package func read(
        _ consumers: [String], on session: some PostgresSession
    ) async throws(PostgresError) -> [Recorded] {
        var list: [Recorded] = []
        for row in try await session.query(recorded(consumers)) {
            var identity: StoreIdentity?
            if let system: String = try row.decodeIfPresent(2) {
                identity = StoreIdentity(
                    system: system, timeline: try row.decode(3), table: try row.decode(4), sequence: try row.decode(5),
                    sequenceFile: try row.decode(6), partitions: try row.decode(7))
            }
            list.append(
                Recorded(
                    consumer: try row.decode(0), checkpoint: try row.decodeIfPresent(1), identity: identity,
                    refusal: try row.decodeIfPresent(8)))
        }
        return list
    }

    /// Records that the source is refused to consumers whose checkpoints count in it.
    func refuse(_ reason: String, to consumers: [String]) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) SET refusal = coalesce(refusal, $2) WHERE consumer_name = ANY($1) AND \(rows.condition())
            """
        return BoundStatement(Statement(name: "identities_refuse", sql: sql), [consumers, reason])
    }

    /// Records the identity for the consumers, to whom the source is not refused from now on.
    package func record(_ identity: StoreIdentity, for consumers: [String]) -> BoundStatement {
        let sql = """
            INSERT INTO \(table.sql) (events_table, consumer_name, system_id, timeline, table_oid, sequence_oid,
                sequence_file, partitions)
            SELECT $1, consumer, $3, $4, $5::oid, $6::oid, $7::oid, $8 FROM unnest($2::text[]) AS consumer ORDER BY 2
            ON CONFLICT (events_table, consumer_name) DO UPDATE SET system_id = excluded.system_id,
                timeline = excluded.timeline, table_oid = excluded.table_oid, sequence_oid = excluded.sequence_oid,
                sequence_file = excluded.sequence_file, partitions = excluded.partitions,
                refusal = NULL, recorded_at = clock_timestamp()
            """
        return BoundStatement(
            Statement(name: "identities_record", sql: sql),
            [
                events, consumers, identity.system, identity.timeline, Int64(identity.table), Int64(identity.sequence),
                Int64(identity.sequenceFile), identity.partitions,
            ])
    }
}
