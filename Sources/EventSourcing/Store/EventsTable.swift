package import Postgres

/// The SQL that reads the events table.
package struct EventsTable: Sendable {
    let table: TableName

    package init(_ table: TableName) {
        self.table = table
    }

    /// In the order of ``EventBatch``'s columns.
    static let columns = """
        global_position, bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, \
        event_version, payload, trace_id, correlation_id, causation_id, metadata, created_at
        """

    /// What a session sets that reads on and on: rows come by the primary key, in order.
    ///
    /// A prepared statement's plan is kept. Made while the table was small, or before it was analyzed, it may fetch and
    /// sort everything behind the position to give the first few rows; a backlog that grows quickly then takes time by
    /// its square, until the table is analyzed.
    package static let readingSettings = """
        SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; \
        SET max_parallel_workers_per_gather = 0
        """

    /// Events behind a position, up to another, in order: at most so many rows, and no more bytes than the bound lets pass.
    package func read(
        after position: Int64, through last: Int64 = .max, limit: Int, bound: PayloadLimit = .none, scope: EventScope
    ) -> BoundStatement {
        var conditions = "global_position > $1 AND global_position <= $2"
        var values: [any PostgresEncodable] = [position, last]
        // The statement's name tells its variants apart in errors and in the server's log.
        var name = "read_events_\(limit)"
        func choose(_ list: [String], _ column: String, _ variant: String) {
            if list.isEmpty { return }
            if list.count == 1 {
                // An array would be taken apart for each row.
                values.append(list[0])
                conditions += " AND \(column) = $\(values.count)"
                name += "_\(variant)"
            } else {
                values.append(list)
                conditions += " AND \(column) = ANY($\(values.count))"
                name += "_\(variant)s"
            }
        }
        choose(scope.aggregateTypes, "aggregate_type", "type")
        choose(scope.boundedContexts, "bounded_context", "context")
        func rows(_ columns: String) -> String {
            "SELECT \(columns) FROM \(table.sql) WHERE \(conditions) ORDER BY global_position LIMIT \(limit)"
        }
        switch bound {
        case .none: return BoundStatement(Statement(name: name, sql: rows(Self.columns)), values)
        case .perRow(let bytes):
            values.append(bytes)
            let payload = "CASE WHEN octet_length(payload) <= $\(values.count) THEN payload END AS payload"
            let columns = Self.columns.replacing("payload", with: payload)
            return BoundStatement(Statement(name: name + "_each", sql: rows(columns)), values)
        case .cumulative(let bytes):
            values.append(bytes)
            let sql = Self.addingUp(rows(Self.columns), to: "$\(values.count)")
            return BoundStatement(Statement(name: name + "_total", sql: sql), values)
        }
    }

    /// The query of events whose result ends once the payloads add up to the bytes; its first row comes whatever its size.
    static func addingUp(_ rows: String, to bytes: String) -> String {
        // The length of a payload is known without fetching it, so that the rows behind the bound cost next to nothing.
        """
        SELECT \(columns) FROM (
            SELECT \(columns),
                sum(coalesce(octet_length(payload), 0)) OVER (ORDER BY global_position ROWS UNBOUNDED PRECEDING)
                    - coalesce(octet_length(payload), 0) AS bytes_before
            FROM (\(rows)) AS limited
        ) AS summed WHERE bytes_before < \(bytes) ORDER BY global_position
        """
    }

    /// The visible positions behind a position, in order: an index-only look.
    package func positions(after position: Int64, limit: Int) -> BoundStatement {
        BoundStatement(
            Statement(
                name: "positions_\(limit)",
                sql: """
                    SELECT global_position FROM \(table.sql) WHERE global_position > $1
                    ORDER BY global_position LIMIT \(limit)
                    """), [position])
    }

    /// Whether the event is there, at its position.
    package func holds(_ event: EventReference) -> BoundStatement {
        let sql = "SELECT EXISTS (SELECT FROM \(table.sql) WHERE global_position = $1 AND event_id = $2)"
        return BoundStatement(Statement(name: "events_hold", sql: sql), [event.position, event.eventID])
    }

    /// The events of an aggregate whose versions lie in the range, in order.
    func readStream(_ aggregate: AggregateIdentity, from first: Int64, to last: Int64) -> BoundStatement {
        let sql = """
            SELECT \(Self.columns) FROM \(table.sql)
            WHERE bounded_context = $1 AND aggregate_type = $2 AND aggregate_id = $3
            AND aggregate_version BETWEEN $4 AND $5 ORDER BY aggregate_version
            """
        return BoundStatement(
            Statement(name: "read_stream", sql: sql),
            [aggregate.boundedContext, aggregate.aggregateType, aggregate.aggregateID, first, last])
    }

    /// The highest visible position, 0 for an empty table.
    package var latestPosition: BoundStatement {
        BoundStatement(
            Statement(
                name: "latest_position", sql: "SELECT coalesce(max(global_position), 0) FROM \(table.sql)"))
    }
}
