package import FoundationEssentials
package import Postgres

/// Positions of events that a search looks for, the newest first. Each statement is bounded: by a unique index, by an aggregate, or
/// by a window of positions. None reads the whole table.
extension EventsTable {
    /// Whether the unique index of Godwit's own shape finds an event by its id.
    package var hasIndexedEventIDs: Bool { !shape.isMapped }

    /// Whether events have times.
    package var hasTimes: Bool { shape.origin(of: .createdAt) != .absent }

    /// Of the event with an id, through the unique index.
    package func position(ofEvent id: UUID) -> BoundStatement {
        let sql = "SELECT \(position) FROM \(table.sql) WHERE \(shape.expression(.eventID)) = $1"
        return BoundStatement(Statement(name: "search_id", sql: sql), [id])
    }

    /// Of selected events within a window, both ends included.
    ///
    /// - Parameter id: of the event, where no index finds it.
    package func lastPositions(
        _ selection: EventSelection, id: UUID?, from first: Int64, through last: Int64, limit: Int
    ) -> BoundStatement {
        var conditions = Conditions(self, selection, after: first - 1, through: last)
        var sql = "SELECT \(position) FROM \(table.sql) WHERE \(conditions.sql)"
        if let id { sql += " AND \(shape.expression(.eventID)) = \(conditions.bind(id))" }
        sql += " ORDER BY 1 DESC LIMIT \(conditions.bind(limit))"
        return BoundStatement(Statement(sql), conditions.values)
    }

    /// Of selected events of an aggregate id before a position, whatever its context and type: a probe of the unique index for each
    /// name.
    package func lastPositions(
        _ selection: EventSelection, ofAggregate id: String, names: Set<EventName>, before: Int64, limit: Int
    ) -> BoundStatement {
        let names = names.sorted { ($0.boundedContext, $0.aggregateType) < ($1.boundedContext, $1.aggregateType) }
        var conditions = Conditions(self, selection, after: 0, through: before - 1)
        let contexts = conditions.bind(names.map(\.boundedContext))
        let types = conditions.bind(names.map(\.aggregateType))
        let (aggregate, most) = (conditions.bind(id), conditions.bind(limit))
        let sql = """
            SELECT part.position FROM unnest(\(contexts)::text[], \(types)::text[]) AS names (context, type)
            CROSS JOIN LATERAL (
                SELECT \(position) AS position FROM \(table.sql)
                WHERE \(context) = names.context AND \(type) = names.type AND \(shape.expression(.aggregateID)) = \(aggregate)
                AND \(conditions.sql) ORDER BY \(shape.expression(.aggregateVersion)) DESC LIMIT \(most)
            ) AS part ORDER BY 1 DESC LIMIT \(most)
            """
        return BoundStatement(Statement(sql), conditions.values)
    }

    /// The last event at or before a position: its position, and its time in microseconds since 1970.
    package func time(atOrBefore position: Int64) -> BoundStatement {
        let sql = """
            SELECT \(self.position), (extract(epoch FROM \(shape.expression(.createdAt))) * 1000000)::bigint
            FROM \(table.sql) WHERE \(self.position) <= $1 ORDER BY \(self.position) DESC LIMIT 1
            """
        return BoundStatement(Statement(name: "search_time", sql: sql), [position])
    }
}
