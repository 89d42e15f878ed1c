package import Postgres

extension EventsTable {
    /// The events at some positions, in order.
    ///
    /// - Parameters:
    ///   - maximumBytes: no further row once the rows add up to this; the first row comes whatever its size.
    ///   - largest: a larger payload stays behind.
    package func read(at positions: [Int64], maximumBytes: Int, largest: Int = .max) -> BoundStatement {
        let rows = "SELECT \(shape.columns()) FROM \(table.sql) WHERE \(position) = ANY($1)"
        let sql = addingUp(rows, to: "$2", withholding: "$3")
        return BoundStatement(Statement(name: "read_events_at", sql: sql), [positions, maximumBytes, largest])
    }
}
