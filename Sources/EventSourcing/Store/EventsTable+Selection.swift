package import Postgres

/// Reads for jobs that look at a part of the log. Each takes a stretch of positions, so that no statement runs for long
/// however few of the events in it are meant.
extension EventsTable {
    /// The selected events behind a position, up to another, in order: so many at most, and none once those before it add
    /// up to the bytes. A payload larger than given stays behind.
    package func read(
        _ selection: EventSelection, after position: Int64, through last: Int64, limit: Int, maximumBytes: Int,
        largest: Int = .max
    ) -> BoundStatement {
        var conditions = Conditions(self, selection, after: position, through: last)
        let bytes = conditions.bind(maximumBytes)
        let most = conditions.bind(largest)
        let rows = """
            SELECT \(shape.columns()) FROM \(table.sql) WHERE \(conditions.sql) ORDER BY \(order) LIMIT \(limit)
            """
        return BoundStatement(Statement(addingUp(rows, to: bytes, withholding: most)), conditions.values)
    }

    /// The same events without payload and metadata, which read as empty, but for what the scope's conditions look into.
    ///
    /// Then as ``read(_:after:through:limit:maximumBytes:largest:)`` reads them, with payloads of up to 16 MiB: the caller leaves
    /// out what the scope does not want.
    package func readIdentities(
        _ selection: EventSelection, after position: Int64, through last: Int64, limit: Int
    ) -> BoundStatement {
        let parts = selection.scope.filter.parts
        if !parts.isEmpty {
            return read(
                selection, after: position, through: last, limit: limit, maximumBytes: Self.judgedBytes,
                largest: parts.contains(.payload) ? Self.judgedPayload : -1)
        }
        let conditions = Conditions(self, selection, after: position, through: last)
        let sql = """
            SELECT \(identityColumns) FROM \(table.sql) WHERE \(conditions.sql) ORDER BY \(order) LIMIT \(limit)
            """
        return BoundStatement(Statement(sql), conditions.values)
    }

    /// The bytes of one read whose rows conditions are evaluated for; its first row may take more.
    private static let judgedBytes = 16 << 20
    private static let judgedPayload = EventFilter.largestPayload

    /// The events at the positions, likewise without payload and metadata, but for the parts named.
    package func readIdentities(at positions: [Int64], with parts: Set<EventCondition.Part> = []) -> BoundStatement {
        if !parts.isEmpty {
            return read(
                at: positions, maximumBytes: .max, largest: parts.contains(.payload) ? Self.judgedPayload : -1)
        }
        let sql = """
            SELECT \(identityColumns) FROM \(table.sql) WHERE \(position) = ANY($1) ORDER BY \(order)
            """
        return BoundStatement(Statement(name: "read_identities_at", sql: sql), [positions])
    }

    /// How many selected events there are of each kind: bounded context, aggregate type, event type, event version,
    /// count, and how many of them have a larger payload than given.
    package func count(
        _ selection: EventSelection, after position: Int64, through last: Int64, largerThan bytes: Int
    ) -> BoundStatement {
        var conditions = Conditions(self, selection, after: position, through: last)
        let limit = conditions.bind(bytes)
        let sql = """
            SELECT \(context), \(type), \(shape.expression(.eventType)), \(shape.expression(.eventVersion)), count(*),
                count(*) FILTER (WHERE \(shape.payloadSize(payload)) > \(limit))
            FROM \(table.sql) WHERE \(conditions.sql) GROUP BY 1, 2, 3, 4
            """
        return BoundStatement(Statement(sql), conditions.values)
    }

    private var identityColumns: String { shape.columns([.payload: "''::bytea", .metadata: "NULL::jsonb"]) }

    /// A WHERE clause and its values.
    struct Conditions {
        private(set) var sql: String
        private(set) var values: [any PostgresEncodable]

        init(_ table: EventsTable, _ selection: EventSelection, after position: Int64, through last: Int64) {
            let (shape, column) = (table.shape, table.position)
            sql = "\(column) > $1 AND \(column) <= $2"
            values = [position, last]
            if let scope = table.conditions(of: selection.scope, &values) { sql += " AND \(scope)" }
            let lists: [(SourceShape.Field, [String])] = [
                (.aggregateID, selection.aggregateIDs), (.eventType, selection.eventTypes),
            ]
            for (field, list) in lists where !list.isEmpty {
                sql += " AND \(shape.expression(field)) = ANY(\(bind(list)))"
            }
            let time = shape.expression(.createdAt)
            if let from = selection.from { sql += " AND \(time) >= \(bind(from))" }
            if let until = selection.until { sql += " AND \(time) < \(bind(until))" }
            if let list = selection.list {
                sql += """
                     AND \(column) IN (SELECT global_position FROM \(list.table.sql)
                    WHERE job = \(bind(list.job)) AND global_position > $1 AND global_position <= $2)
                    """
            }
            if let discarded = selection.discarded {
                sql += """
                     AND \(column) NOT IN (SELECT global_position FROM \(discarded.table.sql)
                    WHERE consumer_name = \(bind(discarded.consumer)) AND state = 'discarded'
                    AND global_position > $1 AND global_position <= $2)
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
