import FoundationEssentials
import Postgres

/// The SQL of an append, one statement for each way to move the aggregate's head.
struct AppendStatements: Sendable {
    private let any: Statement
    private let noStream: Statement
    private let exact: Statement

    init(_ tables: TableNames, notify: EventStore.Notify) {
        let heads = tables.aggregateHeads.sql
        let key = "bounded_context = $1 AND aggregate_type = $2 AND aggregate_id = $3"
        // Plain SQL may have written events without moving the head. An index gives the version of the last in no time.
        let last = """
            (SELECT coalesce(max(aggregate_version), 0) FROM \(tables.events.sql) WHERE \(key))
            """
        let insertHead = """
            INSERT INTO \(heads) AS head (bounded_context, aggregate_type, aggregate_id, aggregate_version, updated_at)
            SELECT $1, $2, $3, \(last) + cardinality($4), now()
            """
        func statement(_ name: String, _ moveHead: String) -> Statement {
            let actual = "nullif(greatest((SELECT aggregate_version FROM \(heads) WHERE \(key)), \(last)), 0)"
            return Statement(
                name: "append_\(name)", sql: Self.sql(tables, moveHead: moveHead, notify: notify, actual: actual))
        }
        // Where a row is there by now, it counts on from what is committed, not from the statement's snapshot.
        any = statement(
            "any",
            """
            head AS (
                \(insertHead)
                ON CONFLICT (bounded_context, aggregate_type, aggregate_id) DO UPDATE
                SET aggregate_version = greatest(
                    head.aggregate_version + cardinality($4), excluded.aggregate_version), updated_at = now()
                WHERE $13 = 0
                RETURNING aggregate_version
            )
            """)
        noStream = statement(
            "no_stream",
            """
            head AS (
                \(insertHead) WHERE \(last) = 0 ON CONFLICT DO NOTHING
                RETURNING aggregate_version
            )
            """)
        // A head that another append makes at the same instant is a conflict: that append had events.
        exact = statement(
            "exact",
            """
            moved AS (
                UPDATE \(heads) AS head SET aggregate_version = $13 + cardinality($4), updated_at = now()
                WHERE \(key) AND greatest(aggregate_version, \(last)) = $13
                RETURNING aggregate_version
            ), made AS (
                \(insertHead) WHERE \(last) = $13 AND NOT EXISTS (SELECT FROM \(heads) WHERE \(key))
                ON CONFLICT DO NOTHING
                RETURNING aggregate_version
            ), head AS (SELECT * FROM moved UNION ALL SELECT * FROM made)
            """)
    }

    /// `head` moves the head and gives its version, or no row on a conflict, in which case no position is drawn.
    private static func sql(
        _ tables: TableNames, moveHead: String, notify: EventStore.Notify, actual: String
    ) -> String {
        let notification =
            switch notify {
            case .never: "NULL"
            case .always(let channel):
                // max() is NULL on a conflict, and a NULL payload sends an empty one: hence the condition.
                "CASE WHEN count(*) > 0 THEN pg_notify(\(quoteLiteral(channel)), max(global_position)::text) END"
            case .adaptive(let channel):
                // The lock on the events table is taken before the statement's snapshot: a relay that asks, and then
                // waits for those who hold the lock, misses nobody who did not see its request.
                """
                CASE WHEN count(*) > 0 AND EXISTS (\(NotifyRequests(tables).wanted(quoteLiteral(channel))))
                    THEN pg_notify(\(quoteLiteral(channel)), max(global_position)::text) END
                """
            }
        return """
            WITH \(moveHead), appended AS (
                INSERT INTO \(tables.events.sql) (
                    bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type,
                    event_version, payload, trace_id, correlation_id, causation_id, metadata, created_at)
                SELECT $1, $2, $3, head.aggregate_version - cardinality($4) + e.ordinal, e.id, e.type, e.version,
                    e.payload, nullif(e.trace, ''), nullif(e.correlation, ''), nullif(e.causation, ''),
                    e.metadata::jsonb, coalesce(e.created_at, now())
                FROM head CROSS JOIN unnest($4, $5, $6, $7, $8, $9, $10, $11, $12) WITH ORDINALITY
                    AS e (id, type, version, payload, trace, correlation, causation, metadata, created_at, ordinal)
                ORDER BY e.ordinal
                RETURNING global_position, aggregate_version
            )
            SELECT array_agg(global_position ORDER BY aggregate_version), min(aggregate_version),
                \(actual),
                \(notification)
            FROM appended
            """
    }

    func bind(_ events: [Event], _ aggregate: AggregateIdentity, _ expected: ExpectedVersion) -> BoundStatement {
        let (statement, version): (Statement, Int64) =
            switch expected {
            case .any: (any, 0)
            case .noStream, .exact(0): (noStream, 0)
            case .exact(let version): (exact, version)
            }
        return BoundStatement(
            statement,
            [
                aggregate.boundedContext, aggregate.aggregateType, aggregate.aggregateID,
                events.map(\.eventID), events.map(\.eventType), events.map(\.eventVersion),
                events.map { Bytes($0.payload) }, events.map(\.traceID), events.map(\.correlationID),
                events.map(\.causationID), events.map(\.metadata), events.map(\.createdAt), version,
            ])
    }
}
