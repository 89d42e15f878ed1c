package import Postgres

/// Reads for jobs that look at a part of the log. Each takes a stretch of positions, so that no statement runs for long
/// however few of the events in it are meant.
extension EventsTable {
    /// The selected events behind a position, up to another, in order: so many at most, and none once the payloads before
    /// it add up to the bytes.
    package func read(
        _ selection: EventSelection, after position: Int64, through last: Int64, limit: Int, maximumBytes: Int
    ) -> BoundStatement {
        var conditions = Conditions(selection, after: position, through: last)
        let bytes = conditions.bind(maximumBytes)
        let rows = """
            SELECT \(Self.columns) FROM \(table.sql) WHERE \(conditions.sql) ORDER BY global_position LIMIT \(limit)
            """
        return BoundStatement(Statement(Self.addingUp(rows, to: bytes)), conditions.values)
    }

    /// The same events without payload and metadata, which read as empty.
    package func readIdentities(
        _ selection: EventSelection, after position: Int64, through last: Int64, limit: Int
    ) -> BoundStatement {
        let conditions = Conditions(selection, after: position, through: last)
        let sql = """
            SELECT global_position, bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id,
                event_type, event_version, ''::bytea, trace_id, correlation_id, causation_id, NULL::jsonb, created_at
            FROM \(table.sql) WHERE \(conditions.sql) ORDER BY global_position LIMIT \(limit)
            """
        return BoundStatement(Statement(sql), conditions.values)
    }

    /// The events at the positions, likewise without payload and metadata.
    package func readIdentities(at positions: [Int64]) -> BoundStatement {
        let sql = """
            SELECT global_position, bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id,
                event_type, event_version, ''::bytea, trace_id, correlation_id, causation_id, NULL::jsonb, created_at
            FROM \(table.sql) WHERE global_position = ANY($1) ORDER BY global_position
            """
        return BoundStatement(Statement(name: "read_identities_at", sql: sql), [positions])
    }

    /// How many selected events there are of each kind: bounded context, aggregate type, event type, event version,
    /// count, and how many of them have a larger payload than given.
    package func count(
        _ selection: EventSelection, after position: Int64, through last: Int64, largerThan bytes: Int
    ) -> BoundStatement {
        var conditions = Conditions(selection, after: position, through: last)
        let limit = conditions.bind(bytes)
        let sql = """
            SELECT bounded_context, aggregate_type, event_type, event_version, count(*),
                count(*) FILTER (WHERE octet_length(payload) > \(limit))
            FROM \(table.sql) WHERE \(conditions.sql) GROUP BY 1, 2, 3, 4
            """
        return BoundStatement(Statement(sql), conditions.values)
    }

    /// A WHERE clause and its values.
    private struct Conditions {
        private(set) var sql = "global_position > $1 AND global_position <= $2"
        private(set) var values: [any PostgresEncodable]

        init(_ selection: EventSelection, after position: Int64, through last: Int64) {
            values = [position, last]
            let lists = [
                ("bounded_context", selection.scope.boundedContexts),
                ("aggregate_type", selection.scope.aggregateTypes),
                ("aggregate_id", selection.aggregateIDs), ("event_type", selection.eventTypes),
            ]
            for (column, list) in lists where !list.isEmpty { sql += " AND \(column) = ANY(\(bind(list)))" }
            if let from = selection.from { sql += " AND created_at >= \(bind(from))" }
            if let until = selection.until { sql += " AND created_at < \(bind(until))" }
            if let list = selection.list {
                sql += """
                     AND global_position IN (SELECT global_position FROM \(list.table.sql)
                    WHERE job = \(bind(list.job)) AND global_position > $1 AND global_position <= $2)
                    """
            }
        }

        /// Adds a value and gives its place in the SQL.
        mutating func bind(_ value: any PostgresEncodable) -> String {
            values.append(value)
            return "$\(values.count)"
        }
    }
}
