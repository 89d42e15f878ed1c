package import Postgres

extension EventsTable {
    /// The events at some positions, in order.
    ///
    /// - Parameter maximumBytes: no further row once the payloads add up to this; the first row comes whatever its size.
    package func read(at positions: [Int64], maximumBytes: Int) -> BoundStatement {
        let rows = "SELECT \(shape.columns()) FROM \(table.sql) WHERE \(position) = ANY($1)"
        let sql = Self.addingUp(rows, to: "$2")
        return BoundStatement(Statement(name: "read_events_at", sql: sql), [positions, maximumBytes])
    }
}
