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

    /// Events behind a position, up to another, in order.
    ///
    /// - Parameters:
    ///   - limit: at most so many rows.
    ///   - maximumBytes: no further row once the payloads add up to this; the first row comes whatever its size.
    package func read(
        after position: Int64, through last: Int64 = .max, limit: Int, maximumBytes: Int = .max, scope: EventScope
    ) -> BoundStatement {
        var conditions = "global_position > $1 AND global_position <= $2"
        var values: [any PostgresEncodable] = [position, last, maximumBytes]
        // The statement's name tells its variants apart, since each is prepared by its name.
        var name = "read_events_\(limit)"
        if !scope.aggregateTypes.isEmpty {
            values.append(scope.aggregateTypes)
            conditions += " AND aggregate_type = ANY($\(values.count))"
            name += "_types"
        }
        if !scope.boundedContexts.isEmpty {
            values.append(scope.boundedContexts)
            conditions += " AND bounded_context = ANY($\(values.count))"
            name += "_contexts"
        }
        // The length of a payload is known without fetching it, so that the rows behind the bound cost next to nothing.
        let sql = """
            SELECT \(Self.columns) FROM (
                SELECT \(Self.columns),
                    sum(octet_length(payload)) OVER (ORDER BY global_position ROWS UNBOUNDED PRECEDING)
                        - octet_length(payload) AS bytes_before
                FROM (
                    SELECT \(Self.columns) FROM \(table.sql) WHERE \(conditions)
                    ORDER BY global_position LIMIT \(limit)
                ) AS limited
            ) AS summed WHERE bytes_before < $3 ORDER BY global_position
            """
        return BoundStatement(Statement(name: name, sql: sql), values)
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
