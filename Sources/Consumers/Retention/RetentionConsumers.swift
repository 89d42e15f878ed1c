package import EventSourcing
package import Postgres

/// The SQL that finds the consumers of a source, whose rows they may need: those that are registered with it, those whose
/// checkpoints count in it, and, to be on the safe side, those with checkpoints of which nothing says which source they read.
package struct RetentionConsumers: Sendable {
    private let tables: TableNames

    package init(_ tables: TableNames) {
        self.tables = tables
    }

    /// Consumer, its segments' checkpoints, how many segments it has, and, before its first start, the position behind which it
    /// begins, NULL where it wants nothing that is there.
    package var all: BoundStatement {
        let (registered, identities, segments) = (
            tables.godwitTable("registered_consumers").sql, tables.godwitTable("checkpoint_identities").sql,
            tables.consumerSegments.sql
        )
        let rows = SourceRows(tables)
        let sql = """
            WITH sources AS (
                SELECT events_table, table_oid, consumer_name FROM \(registered)
                UNION SELECT events_table, table_oid, consumer_name FROM \(identities)
            ), named AS (
                SELECT consumer_name FROM sources WHERE \(rows.condition())
                UNION SELECT consumer_name FROM \(segments) WHERE consumer_name NOT IN (SELECT consumer_name FROM sources)
            ), known AS (
                -- A consumer that waits to begin with what is new has said from which position on.
                SELECT r.consumer_name, min(coalesce(r.begins_after, i.pending_start)) AS begins_after
                FROM \(registered) AS r LEFT JOIN \(identities) AS i
                    ON i.events_table = r.events_table AND i.consumer_name = r.consumer_name
                WHERE \(rows.condition("r")) GROUP BY 1
            )
            SELECT named.consumer_name, ARRAY(SELECT checkpoint FROM \(segments) AS own
                    WHERE own.consumer_name = named.consumer_name ORDER BY segment_id),
                coalesce((SELECT max(total_segments) FROM \(segments) AS own
                    WHERE own.consumer_name = named.consumer_name), 0),
                CASE WHEN known.consumer_name IS NULL THEN 0 ELSE known.begins_after END
            FROM named LEFT JOIN known USING (consumer_name) ORDER BY 1
            """
        return BoundStatement(Statement(name: "retention_consumers", sql: sql))
    }
}
