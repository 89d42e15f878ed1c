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
        let sql = """
            SELECT global_position, aggregate_id, extract(epoch FROM clock_timestamp() - created_at)::float8
            FROM \(table.sql) WHERE global_position > $1 AND global_position <= $2
            AND (cardinality($3::text[]) = 0 OR aggregate_type = ANY($3))
            AND (cardinality($4::text[]) = 0 OR bounded_context = ANY($4))
            ORDER BY global_position LIMIT $5
            """
        return BoundStatement(
            Statement(name: "backlog", sql: sql),
            [position, last, scope.aggregateTypes, scope.boundedContexts, limit])
    }
}
