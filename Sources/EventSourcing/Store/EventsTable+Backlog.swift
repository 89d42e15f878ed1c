package import Postgres

extension EventsTable {
    /// The visible events behind a position, in order, for counting them: position, aggregate id, age in seconds.
    ///
    /// - Parameters:
    ///   - last: no further than this, so that a scope with few events does not make it read on and on.
    ///   - limit: at most so many rows.
    package func backlog(
        after position: Int64, through last: Int64, limit: Int, scope: EventScope
    ) -> BoundStatement {
        // Before PostgreSQL 17 an infinite time cannot be subtracted.
        let time = shape.expression(.createdAt)
        let age = """
            CASE WHEN isfinite(\(time)) THEN extract(epoch FROM clock_timestamp() - \(time))::float8 ELSE 0 END
            """
        var values: [any PostgresEncodable] = [position, last, limit]
        let wanted = conditions(of: scope, &values).map { " AND \($0)" } ?? ""
        let sql = """
            SELECT \(self.position), \(shape.expression(.aggregateID)), \(age)
            FROM \(table.sql) WHERE \(self.position) > $1 AND \(self.position) <= $2\(wanted)
            ORDER BY \(order) LIMIT $3
            """
        return BoundStatement(Statement(name: "backlog", sql: sql), values)
    }
}
