package import Postgres

/// What the catalog says of a source's table and columns. To ask it needs no right on the table or its schema.
package struct SourceCatalog: Sendable, Hashable {
    /// A column that the source names.
    package struct Column: Sendable, Hashable {
        package var name: String
        /// `nil` where the table has no such column.
        package var type: ColumnType?
        /// The type as SQL writes it.
        package var typeName = ""
        package var isNotNull = true
        package var mayRead = true
        /// What any change of type or NULL changes.
        package var mark: Int64 = 0

        package init(
            name: String, type: ColumnType?, typeName: String = "", isNotNull: Bool = true, mayRead: Bool = true
        ) {
            self.name = name
            self.type = type
            self.typeName = typeName
            self.isNotNull = isNotNull
            self.mayRead = mayRead
        }
    }

    /// Whether there is a relation of the name.
    package var exists = true
    /// `pg_class.relkind`.
    package var kind = "r"
    package var isPartition = false
    package var role = ""
    package var mayUseSchema = true
    /// Whether the role may read the whole table.
    package var mayReadTable = true
    /// Whether an index that is valid, over all rows, begins with the positions.
    package var isIndexed = true
    /// By name.
    package var columns: [String: Column] = [:]

    package init() {}

    /// Asks the catalog.
    package init(_ shape: SourceShape, on session: some PostgresSession) async throws(PostgresError) {
        exists = false
        let names = shape.columnNames
        let tables = try await session.query(Self.table(shape))
        guard let row = tables.first else { return }
        exists = true
        kind = try row.decode(0)
        isPartition = try row.decode(1)
        role = try row.decode(2)
        mayUseSchema = try row.decode(3)
        mayReadTable = try row.decode(4)
        isIndexed = try row.decode(5)
        let statement = BoundStatement(
            Statement(Self.columnsQuery), [shape.table.schema, shape.table.name, names])
        for row in try await session.query(statement) {
            let name = names[Int(try row.decode(0, as: Int64.self)) - 1]
            var column = Column(name: name, type: nil)
            if let id: UInt32 = try row.decodeIfPresent(1) {
                column.typeName = try row.decode(4)
                column.type = ColumnType(
                    id: id, kind: try row.decode(2), category: try row.decode(3), name: column.typeName)
                column.isNotNull = try row.decode(5)
                column.mayRead = try row.decode(6)
                column.mark = try row.decode(7)
            }
            columns[name] = column
        }
    }

    /// What ``marks(_:relation:)`` gives, as it was when this was asked.
    package func marks(of shape: SourceShape) -> [Int64] { shape.columnNames.map { columns[$0]?.mark ?? 0 } }

    /// An array of what any change of the columns' types changes, as an SQL expression.
    ///
    /// - Parameters:
    ///   - names: an SQL expression: the columns' names.
    ///   - relation: an SQL expression: the table's object id.
    package static func marks(of names: String, relation: String) -> String {
        """
        ARRAY(SELECT \(mark("coalesce(m.atttypid::bigint, 0)", "coalesce(m.attnotnull, false)"))
            FROM unnest(\(names)) WITH ORDINALITY AS named (name, number)
            LEFT JOIN pg_catalog.pg_attribute AS m ON m.attrelid = \(relation) AND m.attname = named.name
                AND m.attnum > 0 AND NOT m.attisdropped
            ORDER BY named.number)
        """
    }

    private static func mark(_ type: String, _ isNotNull: String) -> String {
        "\(type) * 2 + \(isNotNull)::int"
    }

    private static func table(_ shape: SourceShape) -> BoundStatement {
        let sql = """
            SELECT c.relkind::text, c.relispartition, current_user::text, has_schema_privilege(n.oid, 'USAGE'),
                has_table_privilege(c.oid, 'SELECT'),
                EXISTS (SELECT FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_attribute AS p
                    ON p.attrelid = c.oid AND p.attnum = i.indkey[0] AND p.attname = $3
                    WHERE i.indrelid = c.oid AND i.indpred IS NULL AND i.indisvalid)
            FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relname = $2
            """
        return BoundStatement(Statement(sql), [shape.table.schema, shape.table.name, shape.position])
    }

    /// Domains are taken for what they are over.
    private static let columnsQuery = """
        WITH RECURSIVE source AS (
            SELECT c.oid FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relname = $2
        ), found AS (
            SELECT named.number, a.attrelid, a.attnum, a.atttypid, a.atttypmod, a.attnotnull
            FROM unnest($3::text[]) WITH ORDINALITY AS named (name, number)
            LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = (SELECT oid FROM source) AND a.attname = named.name
                AND a.attnum > 0 AND NOT a.attisdropped
        ), bases (number, type) AS (
            SELECT number, atttypid FROM found WHERE atttypid IS NOT NULL
            UNION ALL SELECT b.number, t.typbasetype FROM bases AS b
                JOIN pg_catalog.pg_type AS t ON t.oid = b.type AND t.typtype = 'd'
        )
        SELECT found.number, t.oid, t.typtype::text, t.typcategory::text, format_type(found.atttypid, found.atttypmod),
            found.attnotnull, has_column_privilege(found.attrelid, found.attnum, 'SELECT'),
            \(mark("found.atttypid::bigint", "found.attnotnull"))
        FROM found LEFT JOIN (bases JOIN pg_catalog.pg_type AS t ON t.oid = bases.type AND t.typtype <> 'd')
            ON bases.number = found.number
        """
}

extension SourceShape {
    /// The columns that fields come from, each once, in the order of the fields.
    package var columnNames: [String] {
        var seen: Set<String> = []
        return Field.allCases.compactMap { column($0) }.filter { seen.insert($0).inserted }
    }

    /// The fields that come from a column, in order.
    package var mappedFields: [(field: Field, column: String)] {
        Field.allCases.compactMap { field in column(field).map { (field, $0) } }
    }

    /// The shape with the types that were found.
    package func with(_ catalog: SourceCatalog) -> SourceShape {
        with(
            mappedFields.reduce(into: [:]) { types, mapped in
                types[mapped.field] = catalog.columns[mapped.column]?.type
            })
    }
}
