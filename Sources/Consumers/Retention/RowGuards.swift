package import EventSourcing
package import Postgres

/// What keeps rows of a table from being removed, or may: foreign keys that refer to them, and triggers and rules of DELETE.
package struct RowGuards: Sendable, Equatable {
    /// A foreign key that refuses the removal of a row that it refers to.
    package struct Reference: Sendable, Equatable {
        package let table: String
        package let constraint: String
    }

    package var references: [Reference] = []
    /// Triggers that run before a row is removed, and may keep it; and rules that do something else instead.
    package var triggers: [String] = []

    package init() {}

    package var isEmpty: Bool { references.isEmpty && triggers.isEmpty }

    /// Asks the catalog.
    package static func read(
        _ tables: TableNames, on session: some PostgresSession
    ) async throws(PostgresError) -> RowGuards {
        var guards = RowGuards()
        let table = SourceRows(tables).table
        let parts = "SELECT \(table) UNION SELECT relid FROM pg_catalog.pg_partition_tree(\(table)::regclass)"
        let references = """
            SELECT DISTINCT conrelid::regclass::text, conname::text FROM pg_catalog.pg_constraint
            WHERE contype = 'f' AND confrelid IN (\(parts)) AND confdeltype IN ('a', 'r') AND conparentid = 0 ORDER BY 1, 2
            """
        for row in try await session.query(BoundStatement(Statement(name: "guards_references", sql: references))) {
            guards.references.append(Reference(table: try row.decode(0), constraint: try row.decode(1)))
        }
        // Row triggers (1) before (2) or in place of (64) DELETE (8).
        let triggers = """
            SELECT DISTINCT 'trigger ' || quote_ident(tgname) FROM pg_catalog.pg_trigger
            WHERE tgrelid IN (\(parts)) AND NOT tgisinternal AND tgenabled IN ('O', 'A')
                AND tgtype & 9 = 9 AND tgtype & 66 <> 0
            UNION SELECT 'rule ' || quote_ident(rulename) FROM pg_catalog.pg_rewrite
            WHERE ev_class IN (\(parts)) AND ev_type = '4' AND is_instead AND ev_enabled IN ('O', 'A') ORDER BY 1
            """
        for row in try await session.query(BoundStatement(Statement(name: "guards_triggers", sql: triggers))) {
            guards.triggers.append(try row.decode(0))
        }
        return guards
    }
}

/// Why rows that may go cannot be removed.
package enum RemovalError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The row of a position was still there after it was removed.
    case kept(String, position: Int64, by: [String])
    /// Rows of other tables refer to them.
    case referenced(String, by: [RowGuards.Reference])
    /// A trigger refuses it, in its own words.
    case refused(String, by: [String], message: String)

    package var description: String {
        switch self {
        case .kept(let table, let position, let triggers):
            "rows of \(table) stay when they are removed, the first at position \(position): "
                + "\(Self.list(triggers, "a trigger or rule")) keeps them. \(Self.remedy)"
        case .referenced(let table, let references):
            "rows of \(table) cannot be removed, since rows of other tables refer to them: "
                + references.map { "\($0.table) by the foreign key \($0.constraint)" }.joined(separator: ", ")
                + ". Let it be ON DELETE CASCADE or SET NULL, or drop it. \(Self.otherwise)"
        case .refused(let table, let triggers, let message):
            "rows of \(table) cannot be removed: \(Self.list(triggers, "a trigger")) refuses it (\(message)). \(Self.remedy)"
        }
    }

    private static func list(_ names: [String], _ otherwise: String) -> String {
        names.isEmpty ? otherwise : names.joined(separator: ", ")
    }

    private static let remedy = "Drop or change it. \(otherwise)"
    private static let otherwise =
        "Where rows are to stay, take source.retention.delivered_for out of the configuration"
}
