package import Postgres

/// What events are called: a bounded context together with an aggregate type.
package struct EventName: Sendable, Hashable {
    package let boundedContext: String
    package let aggregateType: String

    package init(boundedContext: String, aggregateType: String) {
        self.boundedContext = boundedContext
        self.aggregateType = aggregateType
    }
}

extension EventScope {
    /// Whether events of the name are wanted.
    package func contains(_ name: EventName) -> Bool {
        (aggregateTypes.isEmpty || aggregateTypes.contains(name.aggregateType))
            && (boundedContexts.isEmpty || boundedContexts.contains(name.boundedContext))
    }
}

extension EventsTable {
    /// The bounded contexts and aggregate types that events have, each pair once: one probe of the unique index for each,
    /// however many events there are.
    package func names(limit: Int) -> BoundStatement {
        let sql = """
            WITH RECURSIVE names AS (
                (SELECT \(context) AS context, \(type) AS type FROM \(table.sql) ORDER BY 1, 2 LIMIT 1)
                UNION ALL
                SELECT next.* FROM names CROSS JOIN LATERAL (
                    SELECT \(context), \(type) FROM \(table.sql) WHERE (\(context), \(type)) > (names.context, names.type)
                    ORDER BY 1, 2 LIMIT 1) AS next
            )
            SELECT context, type FROM names LIMIT \(limit)
            """
        return BoundStatement(Statement(sql), [])
    }

    /// Reads the names, each once.
    ///
    /// - Throws: where the server takes longer than 300 ms, for example because an index is missing.
    package func readNames(on connection: Connection) async throws(PostgresError) -> Set<EventName> {
        let limits = """
            SELECT set_config('statement_timeout', '300ms', true), set_config('jit', 'off', true),
                set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true)
            """
        let statements = [BoundStatement(Statement(limits), []), names(limit: 10_000)]
        do {
            let rows = try await connection.withTransaction { try await $0.pipeline(statements)[1] }
            var names: Set<EventName> = []
            for row in rows {
                names.insert(
                    EventName(boundedContext: try row.decode(0), aggregateType: try row.decodeIfPresent(1) ?? ""))
            }
            return names
        } catch {
            throw (error as? PostgresError) ?? PostgresError(.cancelled, "\(error)")
        }
    }
}
