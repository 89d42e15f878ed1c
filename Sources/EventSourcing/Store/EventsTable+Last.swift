package import Postgres

/// Positions of the last events, newest first: for looking at a few of them, wherever the log is long.
extension EventsTable {
    /// The first positions behind one, ascending.
    package func firstPositions(after position: Int64, limit: Int) -> BoundStatement {
        let sql = "SELECT \(self.position) FROM \(table.sql) WHERE \(self.position) > $1 ORDER BY 1 LIMIT $2"
        return BoundStatement(Statement(sql), [position, limit])
    }

    /// Before a position.
    package func lastPositions(before position: Int64, limit: Int) -> BoundStatement {
        let sql = """
            SELECT \(self.position) FROM \(table.sql) WHERE \(self.position) < $1 ORDER BY 1 DESC LIMIT $2
            """
        return BoundStatement(Statement(sql), [position, limit])
    }

    /// Whether the unique index of Godwit's own shape is there, over names, aggregate id and version.
    package var hasIndexedAggregates: Bool { !shape.isMapped }

    /// Of an aggregate id, whatever its context and type: a probe of the unique index for each name.
    package func lastPositions(ofAggregate id: String, names: Set<EventName>, limit: Int) -> BoundStatement {
        let names = names.sorted { ($0.boundedContext, $0.aggregateType) < ($1.boundedContext, $1.aggregateType) }
        let sql = """
            SELECT part.position FROM unnest($1::text[], $2::text[]) AS names (context, type) CROSS JOIN LATERAL (
                SELECT \(position) AS position FROM \(table.sql)
                WHERE \(context) = names.context AND \(type) = names.type AND \(shape.expression(.aggregateID)) = $3
                ORDER BY \(shape.expression(.aggregateVersion)) DESC LIMIT $4
            ) AS part ORDER BY 1 DESC LIMIT $4
            """
        return BoundStatement(
            Statement(sql), [names.map(\.boundedContext), names.map(\.aggregateType), id, limit])
    }

    /// Of an aggregate id within a stretch of positions, both ends included, where no index can be used.
    package func lastPositions(
        ofAggregate id: String, from first: Int64, through last: Int64, limit: Int
    ) -> BoundStatement {
        let sql = """
            SELECT \(position) FROM \(table.sql) WHERE \(position) >= $1 AND \(position) <= $2
            AND \(shape.expression(.aggregateID)) = $3 ORDER BY 1 DESC LIMIT $4
            """
        return BoundStatement(Statement(sql), [first, last, id, limit])
    }
}
