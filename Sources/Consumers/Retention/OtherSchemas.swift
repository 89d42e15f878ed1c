package import EventSourcing
package import Postgres

/// Other schemas of Godwit's tables in the same database whose consumers read a source. How far they have come does not show
/// in the schema at hand.
package struct OtherSchemas: Sendable {
    /// Such a schema.
    package struct Reader: Sendable, Equatable {
        package let schema: String
        /// Those that are recorded with the table; empty where the role may not look, and a role that relays there may read the
        /// table.
        package var consumers: [String]

        package init(_ schema: String, _ consumers: [String]) {
            self.schema = schema
            self.consumers = consumers
        }
    }

    private let tables: TableNames
    private let table: String

    package init(_ tables: TableNames) {
        self.tables = tables
        table = SourceRows(tables).table
    }

    /// Looks into them.
    ///
    /// - Throws: `undefinedTable` where one is dropped at this moment.
    package func read(on session: some PostgresSession) async throws(PostgresError) -> [Reader] {
        var (readers, queries) = ([Reader](), [String]())
        for row in try await session.query(candidates) {
            let (schema, name): (String, String) = (try row.decode(0), try row.decode(1))
            if try row.decode(2) {
                queries.append(
                    """
                    SELECT \(quoteLiteral(schema)), consumer_name FROM \(quoteIdentifier(schema)).\(quoteIdentifier(name))
                    WHERE table_oid = (SELECT \(table))
                    """)
            } else if try row.decode(3), !readers.contains(where: { $0.schema == schema }) {
                readers.append(Reader(schema, []))
            }
        }
        if queries.isEmpty { return readers }
        let sql = queries.joined(separator: " UNION ") + " ORDER BY 1, 2"
        for row in try await session.query(BoundStatement(Statement(sql))) {
            let (schema, consumer): (String, String) = (try row.decode(0), try row.decode(1))
            if let index = readers.firstIndex(where: { $0.schema == schema }) {
                readers[index].consumers.append(consumer)
            } else {
                readers.append(Reader(schema, [consumer]))
            }
        }
        return readers
    }

    /// The last position of the source that was removed by what those schemas say, as far as the role may look; 0 if none.
    package func removed(on connection: Connection) async throws(PostgresError) -> Int64 {
        let sql = """
            SELECT n.nspname::text FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'table_oid' AND NOT a.attisdropped
            WHERE c.relname = 'prunings' AND c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname <> $1
            AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
            """
        let statement = BoundStatement(Statement(name: "other_prunings", sql: sql), [tables.godwitSchema])
        let schemas: [String] = try await connection.query(statement).map { row throws(PostgresError) in
            try row.decode(0)
        }
        if schemas.isEmpty { return 0 }
        let parts = schemas.map {
            "SELECT max(through_position) AS position FROM \(quoteIdentifier($0)).prunings WHERE table_oid = (SELECT \(table))"
        }
        do {
            let all = "SELECT coalesce(max(position), 0) FROM (\(parts.joined(separator: " UNION ALL "))) AS removed"
            return try await connection.query(BoundStatement(Statement(all))).first?.decode(0) ?? 0
        } catch {
            // One was dropped at this moment.
            guard error.sqlState == .undefinedTable else { throw error }
            return 0
        }
    }

    /// Their tables that name consumers: schema, table, whether the role may read it, and whether one that writes to it may read
    /// the source. The owner writes where nobody else was given the right to.
    private var candidates: BoundStatement {
        let sql = """
            SELECT n.nspname::text, c.relname::text,
                has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'),
                EXISTS (
                    SELECT FROM (SELECT a.grantee, bool_and(a.grantee = c.relowner) OVER () AS is_owners_alone
                        FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a
                        WHERE a.privilege_type = 'INSERT') AS writers
                    WHERE (writers.is_owners_alone OR writers.grantee <> c.relowner)
                    AND (writers.grantee = 0 OR has_any_column_privilege(writers.grantee, (SELECT \(table)), 'SELECT'))
                    -- A superuser may read all; that says nothing.
                    AND NOT coalesce((SELECT rolsuper FROM pg_catalog.pg_roles WHERE oid = writers.grantee), false))
            FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.relname IN ('registered_consumers', 'checkpoint_identities') AND c.relkind = 'r'
            AND c.relpersistence <> 't' AND n.nspname <> $1
            AND (SELECT count(*) FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND NOT a.attisdropped
                AND a.attname IN ('events_table', 'consumer_name', 'table_oid')) = 3
            ORDER BY 1, 2
            """
        return BoundStatement(Statement(name: "other_schemas", sql: sql), [tables.godwitSchema])
    }
}
