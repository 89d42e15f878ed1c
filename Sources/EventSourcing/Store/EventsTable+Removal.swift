package import Postgres

/// Removing rows, for retention.
extension EventsTable {
    /// The lowest position behind another, up to a last one; no row where there is none.
    package func firstPosition(after position: Int64, through last: Int64) -> BoundStatement {
        let sql = """
            SELECT \(self.position) FROM \(table.sql) WHERE \(self.position) > $1 AND \(self.position) <= $2
            ORDER BY \(self.position) LIMIT 1
            """
        return BoundStatement(Statement(name: "removal_first", sql: sql), [position, last])
    }

    /// The position of the so-manieth row behind a position, up to a last one: where a batch ends; no row where there are fewer.
    package func lastPosition(ofNext count: Int, after position: Int64, through last: Int64) -> BoundStatement {
        let sql = """
            SELECT \(self.position) FROM \(table.sql) WHERE \(self.position) > $1 AND \(self.position) <= $2
            ORDER BY \(self.position) OFFSET $3 LIMIT 1
            """
        return BoundStatement(Statement(name: "removal_end", sql: sql), [position, last, Int64(max(1, count) - 1)])
    }

    /// Removes the rows behind a position, up to a last one, but for some.
    package func remove(after position: Int64, through last: Int64, keeping kept: [Int64]) -> BoundStatement {
        let sql = """
            DELETE FROM \(table.sql) WHERE \(self.position) > $1 AND \(self.position) <= $2
            AND \(self.position) <> ALL ($3::bigint[])
            """
        return BoundStatement(Statement(name: "removal", sql: sql), [position, last, kept])
    }

    /// The lowest position that ``remove(after:through:keeping:)`` has left; no row where there is none.
    package func firstLeft(after position: Int64, through last: Int64, keeping kept: [Int64]) -> BoundStatement {
        let sql = """
            SELECT \(self.position) FROM \(table.sql) WHERE \(self.position) > $1 AND \(self.position) <= $2
            AND \(self.position) <> ALL ($3::bigint[]) ORDER BY \(self.position) LIMIT 1
            """
        return BoundStatement(Statement(name: "removal_left", sql: sql), [position, last, kept])
    }

    /// How many rows that would remove, counted no further than the limit.
    package func removable(
        after position: Int64, through last: Int64, keeping kept: [Int64], limit: Int
    ) -> BoundStatement {
        let sql = """
            SELECT count(*) FROM (SELECT FROM \(table.sql) WHERE \(self.position) > $1 AND \(self.position) <= $2
                AND \(self.position) <> ALL ($3::bigint[]) LIMIT $4) AS rows
            """
        return BoundStatement(Statement(sql), [position, last, kept, limit])
    }

    /// SQL that is true where a table's row names a position whose event is there.
    package func has(_ position: String) -> String {
        "EXISTS (SELECT FROM \(table.sql) AS event WHERE event.\(self.position) = \(position))"
    }
}
