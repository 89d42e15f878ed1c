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
        var found: Set<EventName> = []
        for row in try await readQuickly(names(limit: 10_000), on: connection) {
            found.insert(EventName(boundedContext: try row.decode(0), aggregateType: try row.decodeIfPresent(1) ?? ""))
        }
        return found
    }

    /// Of so many events at the end of the log the types are looked at.
    package static let recentEvents = 20_000

    /// Reads the event types of the last events, each once.
    ///
    /// - Throws: as ``readNames(on:)``.
    package func readRecentTypes(on connection: Connection) async throws(PostgresError) -> Set<String> {
        let sql = """
            SELECT DISTINCT type FROM (
                SELECT \(shape.expression(.eventType)) AS type FROM \(table.sql) ORDER BY \(position) DESC
                LIMIT \(Self.recentEvents)
            ) AS recent LIMIT 10000
            """
        var types: Set<String> = []
        for row in try await readQuickly(BoundStatement(Statement(sql), []), on: connection) {
            if let type: String = try row.decodeIfPresent(0) { types.insert(type) }
        }
        return types
    }

    private func readQuickly(
        _ statement: BoundStatement, on connection: Connection
    ) async throws(PostgresError) -> ResultSet {
        let limits = """
            SELECT set_config('statement_timeout', '300ms', true), set_config('jit', 'off', true),
                set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true)
            """
        do {
            return try await connection.withTransaction {
                try await $0.pipeline([BoundStatement(Statement(limits), []), statement])[1]
            }
        } catch {
            throw (error as? PostgresError) ?? PostgresError(.cancelled, "\(error)")
        }
    }
}
