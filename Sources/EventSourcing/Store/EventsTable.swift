package import Postgres

/// The SQL that reads events, made from the shape of their source.
package struct EventsTable: Sendable {
    let shape: SourceShape

    package init(_ shape: SourceShape) {
        self.shape = shape
    }

    var table: TableName { shape.table }
    /// The column of positions, for conditions.
    package var position: String { quoteIdentifier(shape.position) }
    /// The column of positions behind `ORDER BY`, where a name means the SELECT list's column first.
    var order: String { shape.isMapped ? "\(table.sql).\(position)" : position }
    var context: String { shape.expression(.boundedContext) }
    var type: String { shape.expression(.aggregateType) }
    var payload: String { shape.expression(.payload) }

    /// The fields' names in what a subquery over the shape gives.
    static let aliases = SourceShape.Field.allCases.map(\.alias).joined(separator: ", ")

    /// What a session sets that reads events: rows come by the index on positions, in order.
    ///
    /// A prepared statement's plan is kept. Made while the table was small, or before it was analyzed, it may fetch and
    /// sort everything behind the position to give the first few rows; a backlog that grows quickly then takes time by
    /// its square, until the table is analyzed. Ruling the other plans out makes their cost look high, for which
    /// PostgreSQL would compile each statement: hence no JIT. With `row_security` off, a policy that hides rows from the
    /// role is an error; otherwise the hidden events would be passed over.
    package static let readingSettings = """
        SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; SET jit = off; \
        SET max_parallel_workers_per_gather = 0; SET row_security = off
        """

    /// Events behind a position, up to another, in order: at most so many rows, and no more bytes than the limit lets pass.
    ///
    /// - Parameter largest: under ``PayloadLimit/cumulative(_:)`` a larger payload stays behind, and its length comes in its
    ///   place: ``EventView/withheldBytes``.
    package func read(
        after position: Int64, through last: Int64 = .max, limit: Int, bound: PayloadLimit = .none,
        largest: Int = .max, scope: EventScope
    ) -> BoundStatement {
        var values: [any PostgresEncodable] = [position, last]
        let conditions = conditions(of: scope, &values).map { " AND \($0)" } ?? ""
        return select(
            where: "\(self.position) > $1 AND \(self.position) <= $2\(conditions)", limit: limit, bound: bound,
            largest: largest, name: "read_events", &values)
    }

    /// Checks, without reading an event, that the columns can be read and have the types of the schema.
    ///
    /// - Throws: `decoding` if one has another type; the server's refusal if one, or the right to it, is missing.
    package func checkColumns(on connection: Connection) async throws(PostgresError) {
        let none = try await connection.query(read(after: .max, limit: 1, scope: .all))
        _ = try batch(none)
    }

    /// Events behind a position, in order, whatever their scope: payload and metadata of those outside of the scope stay
    /// behind, and read as empty.
    package func readAll(
        after position: Int64, limit: Int, bound: PayloadLimit, largest: Int = .max, wanted scope: EventScope
    ) -> BoundStatement {
        var values: [any PostgresEncodable] = [position]
        let wanted = conditions(of: scope, &values)
        return select(
            where: "\(self.position) > $1", limit: limit, bound: bound, largest: largest, wanted: wanted,
            name: "read_head", &values)
    }

    /// Events whose positions lie in some ranges, both ends included, in order; as ``readAll(after:limit:bound:wanted:)``
    /// otherwise.
    ///
    /// - Parameter ranges: ascending, without overlap.
    package func readAll(
        in ranges: [ClosedRange<Int64>], limit: Int, bytes: Int, largest: Int = .max, wanted scope: EventScope
    ) -> BoundStatement {
        var values: [any PostgresEncodable] = [ranges.map(\.lowerBound), ranges.map(\.upperBound)]
        let wanted = conditions(of: scope, &values)
        values += [bytes, largest]
        // Each range is bounded by itself, so that a long one that has just filled is not read whole.
        let rows = """
            SELECT part.* FROM unnest($1::bigint[], $2::bigint[]) AS ranges (low, high) CROSS JOIN LATERAL (
                SELECT \(columns(wanted)) FROM \(table.sql)
                WHERE \(position) >= ranges.low AND \(position) <= ranges.high ORDER BY \(order) LIMIT \(limit)
            ) AS part ORDER BY global_position LIMIT \(limit)
            """
        return BoundStatement(
            Statement(
                name: "read_missing",
                sql: addingUp(rows, to: "$\(values.count - 1)", withholding: "$\(values.count)")), values)
    }

    private func select(
        where conditions: String, limit: Int, bound: PayloadLimit, largest: Int, wanted: String? = nil, name: String,
        _ values: inout [any PostgresEncodable]
    ) -> BoundStatement {
        func rows(_ columns: String) -> String {
            "SELECT \(columns) FROM \(table.sql) WHERE \(conditions) ORDER BY \(order) LIMIT \(limit)"
        }
        switch bound {
        case .none: return BoundStatement(Statement(name: name, sql: rows(columns(wanted))), values)
        case .perRow(let bytes):
            values.append(bytes)
            let columns = columns(wanted, limit: "$\(values.count)")
            return BoundStatement(Statement(name: name, sql: rows(columns)), values)
        case .cumulative(let bytes):
            values += [bytes, largest]
            let sql = addingUp(
                rows(columns(wanted)), to: "$\(values.count - 1)", withholding: "$\(values.count)")
            return BoundStatement(Statement(name: name, sql: sql), values)
        }
    }

    /// The SELECT list. Of rows that are not wanted, payload and metadata stay behind; where a value is above the limit, it
    /// is NULL, and so is the payload, which marks the row.
    private func columns(_ wanted: String?, limit: String? = nil) -> String {
        var replaced: [SourceShape.Field: String] = [:]
        let metadata = shape.expression(.metadata)
        var large: [SourceShape.Field: String] = [:]
        if let limit {
            for field in Self.boundless {
                large[field] = "octet_length(\(shape.expression(field))) > \(limit)"
                replaced[field] = "CASE WHEN \(large[field] ?? "") THEN NULL ELSE \(shape.expression(field)) END"
            }
            // What takes little room as it is stored, compressed, cannot be much.
            large[.metadata] =
                "pg_column_size(\(metadata)) > \(Self.smallMetadata) AND \(shape.metadataSize(metadata)) > \(limit)"
        }
        if wanted != nil || limit != nil {
            let tests =
                limit.map { limit in
                    ["\(shape.payloadSize(payload)) > \(limit)"]
                        + [.metadata, .traceID, .correlationID, .causationID].compactMap { large[$0] }
                } ?? []
            let tooLarge = tests.isEmpty ? "" : " WHEN \(tests.joined(separator: " OR ")) THEN NULL"
            let foreign = wanted.map { " WHEN NOT (\($0)) THEN \(shape.emptyPayload)" } ?? ""
            replaced[.payload] = "CASE\(foreign)\(tooLarge) ELSE \(payload) END"
        }
        if wanted != nil || limit != nil {
            let foreign = wanted.map { " WHEN NOT (\($0)) THEN NULL" } ?? ""
            let tooLarge = large[.metadata].map { " WHEN \($0) THEN NULL" } ?? ""
            replaced[.metadata] = "CASE\(foreign)\(tooLarge) ELSE \(metadata) END"
        }
        return shape.columns(replaced)
    }

    /// The texts that no index bounds; those of the others take 2.7 KB at most there, compressed.
    private static let boundless: [SourceShape.Field] = [.traceID, .correlationID, .causationID]
    /// Metadata that takes no more bytes than this in its row is not looked into.
    private static let smallMetadata = 200

    /// The query of events whose result ends once the rows add up to the bytes; its first row comes whatever its size. A
    /// payload larger than the other number of bytes stays behind. Two more columns say of which length that was, and how
    /// many rows there would have been.
    func addingUp(_ rows: String, to bytes: String, withholding largest: String) -> String {
        // The length of a value is known without fetching it, so that the rows behind the bound cost next to nothing.
        let columns = SourceShape.Field.allCases.map { field in
            field == .payload ? "CASE WHEN withheld IS NULL THEN payload END AS payload" : field.alias
        }
        // What has to be converted for it is so once.
        let isMeasuredOnce = shape.isMapped && !shape.hasPlainPayload
        let length = isMeasuredOnce ? "payload_size" : "octet_length(payload)"
        let rows =
            isMeasuredOnce
            ? "SELECT \(Self.aliases), \(shape.payloadSize("payload")) AS payload_size FROM (\(rows)) AS read OFFSET 0"
            : rows
        let texts: [SourceShape.Field] = [
            .boundedContext, .aggregateType, .aggregateID, .eventType, .traceID, .correlationID, .causationID,
        ]
        let sizes =
            ["CASE WHEN \(length) > \(largest) THEN 0 ELSE \(length) END"]
            + [shape.metadataSize("metadata")] + texts.map { "octet_length(\($0.alias))" }
        return """
            SELECT \(columns.joined(separator: ", ")), withheld, found FROM (
                SELECT \(Self.aliases), withheld, count(*) OVER () AS found,
                    sum(size) OVER (ORDER BY global_position ROWS UNBOUNDED PRECEDING) - size AS bytes_before
                FROM (
                    SELECT \(Self.aliases), CASE WHEN \(length) > \(largest) THEN \(length) END
                            AS withheld,
                        (\(sizes.map { "coalesce(\($0), 0)" }.joined(separator: " + ")))::bigint AS size
                    FROM (\(rows)) AS limited
                ) AS measured
            ) AS summed WHERE bytes_before < \(bytes) ORDER BY global_position
            """
    }

    /// Whether the event is there, at its position.
    package func holds(_ event: EventReference) -> BoundStatement {
        BoundStatement(
            Statement(name: "events_hold", sql: "SELECT EXISTS (\(find(position: "$1", eventID: "$2")))"),
            [event.position, event.eventID])
    }

    /// A query that has a row if the event is at the position, both SQL expressions.
    package func find(position: String, eventID: String) -> String {
        """
        SELECT FROM \(table.sql) WHERE \(self.position) = \(position) AND \(shape.expression(.eventID)) = \(eventID)
        """
    }

    /// The events of an aggregate whose versions lie in the range, in order.
    func readStream(_ aggregate: AggregateIdentity, from first: Int64, to last: Int64) -> BoundStatement {
        let version = shape.expression(.aggregateVersion)
        let sql = """
            SELECT \(shape.columns()) FROM \(table.sql)
            WHERE \(context) = $1 AND \(type) = $2 AND \(shape.expression(.aggregateID)) = $3
            AND \(version) BETWEEN $4 AND $5 ORDER BY \(version)
            """
        return BoundStatement(
            Statement(name: "read_stream", sql: sql),
            [aggregate.boundedContext, aggregate.aggregateType, aggregate.aggregateID, first, last])
    }

    /// The highest visible position, 0 for an empty table.
    package var latestPosition: BoundStatement {
        BoundStatement(
            Statement(
                name: "latest_position", sql: "SELECT coalesce(max(\(position)), 0) FROM \(table.sql)"))
    }
}
