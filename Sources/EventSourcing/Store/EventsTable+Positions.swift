package import Postgres

extension EventsTable {
    /// The events at some positions, in order.
    ///
    /// - Parameter maximumBytes: no further row once the payloads add up to this; the first row comes whatever its size.
    package func read(at positions: [Int64], maximumBytes: Int) -> BoundStatement {
        let sql = """
            SELECT \(Self.columns) FROM (
                SELECT \(Self.columns),
                    sum(octet_length(payload)) OVER (ORDER BY global_position ROWS UNBOUNDED PRECEDING)
                        - octet_length(payload) AS bytes_before
                FROM \(table.sql) WHERE global_position = ANY($1)
            ) AS summed WHERE bytes_before < $2 ORDER BY global_position
            """
        return BoundStatement(Statement(name: "read_events_at", sql: sql), [positions, maximumBytes])
    }
}
