package import Postgres

/// What a table is like that is to become a source.
package struct TableSurvey: Sendable, Hashable {
    package struct Sequence: Sendable, Hashable {
        /// Quoted, with its schema.
        package var sql: String
        package var cache: Int64 = 1
        package var increment: Int64 = 1
        package var cycles = false
        package var isLogged = true
        /// Its first value.
        package var start: Int64 = 1
    }

    package struct Column: Sendable, Hashable {
        package var name: String
        package var type: ColumnType
        package var typeName: String
        package var isNotNull = false
        package var isIdentity = false
        /// That each INSERT draws its value from.
        package var sequence: Sequence?
        /// Whether a valid index over all rows begins with it.
        package var isIndexed = false

        package init(
            name: String, type: ColumnType, typeName: String, isNotNull: Bool = false, isIdentity: Bool = false,
            sequence: Sequence? = nil, isIndexed: Bool = false
        ) {
            self.name = name
            self.type = type
            self.typeName = typeName
            self.isNotNull = isNotNull
            self.isIdentity = isIdentity
            self.sequence = sequence
            self.isIndexed = isIndexed
        }
    }

    package struct Partition: Sendable, Hashable {
        package var table: TableName
        package var isLogged = true
        /// Columns whose default is another than the table's.
        package var oddDefaults: [String] = []
        package var isLeaf = true
    }

    package var table: TableName
    /// `pg_class.relkind`.
    package var kind = "r"
    package var isLogged = true
    package var isPartition = false
    /// Whether other tables inherit from it, without being its partitions.
    package var hasHeirs = false
    package var columns: [Column] = []
    /// The columns of the primary key, or of another unique key without NULLs.
    package var key: [String] = []
    package var partitions: [Partition] = []
    package var hasRows = false
    package var bytes: Int64 = 0
    /// More than there can be rows.
    package var rowBound: Int64 = 0
    /// The role that owns it, which alone may change it, and whether the session's role may act as that.
    package var owner = ""
    package var isOwned = true
    /// The session's role.
    package var role = ""
    /// Triggers that an UPDATE of a row fires.
    package var updateTriggers: [String] = []

    package init(_ table: TableName) { self.table = table }

    package var isPartitioned: Bool { kind == "p" }

    package subscript(name: String) -> Column? { columns.first { $0.name == name } }
}

extension TableSurvey {
    /// Asks the catalog; `nil` where there is no such table.
    package init?(_ table: TableName, on session: some PostgresSession) async throws(PostgresError) {
        self.init(table)
        let name = [table.schema, table.name]
        guard let row = try await session.query(BoundStatement(Statement(Self.tableQuery), name)).first else {
            return nil
        }
        let oid: UInt32 = try row.decode(0)
        kind = try row.decode(1)
        isLogged = try row.decode(2)
        isPartition = try row.decode(3)
        hasHeirs = try row.decode(4)
        bytes = try row.decode(5)
        owner = try row.decode(6)
        isOwned = try row.decode(7)
        role = try row.decode(8)
        // No page holds more rows; twice as many, for those that come meanwhile.
        rowBound = bytes / 8_192 * 600 + 1_000_000
        for row in try await session.query(BoundStatement(Statement(Self.columnsQuery), [Int64(oid)])) {
            columns.append(try Self.column(row))
        }
        key =
            try await session.query(BoundStatement(Statement(Self.keyQuery), [Int64(oid)])).first?.decodeIfPresent(0)
            ?? []
        for row in try await session.query(BoundStatement(Statement(Self.partitionsQuery), [Int64(oid)])) {
            partitions.append(
                Partition(
                    table: TableName(schema: try row.decode(0), name: try row.decode(1)), isLogged: try row.decode(2),
                    oddDefaults: try row.decode(3), isLeaf: try row.decode(4)))
        }
        updateTriggers =
            try await session.query(BoundStatement(Statement(Self.triggersQuery), [Int64(oid)])).first?.decode(0) ?? []
        if kind == "r" || kind == "p" {
            let rows = try await session.query(
                BoundStatement(Statement("SELECT EXISTS (SELECT FROM \(table.sql))")))
            hasRows = try rows.first?.decode(0) ?? false
        }
    }

    private static func column(_ row: Row) throws(PostgresError) -> Column {
        let typeName: String = try row.decode(1)
        var column = Column(
            name: try row.decode(0),
            type: ColumnType(
                id: try row.decode(2), kind: try row.decode(3), category: try row.decode(4), name: typeName),
            typeName: typeName, isNotNull: try row.decode(5), isIdentity: try row.decode(6),
            isIndexed: try row.decode(7))
        if let sql: String = try row.decodeIfPresent(8) {
            column.sequence = Sequence(
                sql: sql, cache: try row.decode(9), increment: try row.decode(10), cycles: try row.decode(11),
                isLogged: try row.decode(12), start: try row.decode(13))
        }
        return column
    }

    private static let tableQuery = """
        SELECT c.oid, c.relkind::text, c.relpersistence = 'p', c.relispartition,
            c.relkind = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhparent = c.oid),
            CASE WHEN c.relkind = 'p' THEN (SELECT coalesce(sum(pg_catalog.pg_relation_size(relid)), 0)::bigint
                    FROM pg_catalog.pg_partition_tree(c.oid) WHERE isleaf)
                WHEN c.relkind = 'r' THEN pg_catalog.pg_relation_size(c.oid) ELSE 0 END,
            pg_catalog.pg_get_userbyid(c.relowner)::text, pg_catalog.pg_has_role(c.relowner, 'USAGE'), current_user::text
        FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = $2
        """

    /// Domains are taken for what they are over, one level deep or more.
    private static let columnsQuery = """
        WITH RECURSIVE bases (number, type) AS (
            SELECT attnum, atttypid FROM pg_catalog.pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped
            UNION ALL SELECT b.number, t.typbasetype FROM bases AS b
                JOIN pg_catalog.pg_type AS t ON t.oid = b.type AND t.typtype = 'd'
        )
        SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), t.oid, t.typtype::text, t.typcategory::text,
            a.attnotnull, a.attidentity <> '',
            EXISTS (SELECT FROM pg_catalog.pg_index AS i WHERE i.indrelid = a.attrelid AND i.indkey[0] = a.attnum
                AND i.indpred IS NULL AND i.indisvalid),
            CASE WHEN q.oid IS NOT NULL THEN format('%I.%I', n.nspname, q.relname) END, s.seqcache, s.seqincrement,
            s.seqcycle, q.relpersistence = 'p', s.seqstart
        FROM pg_catalog.pg_attribute AS a
        JOIN bases AS b ON b.number = a.attnum JOIN pg_catalog.pg_type AS t ON t.oid = b.type AND t.typtype <> 'd'
        LEFT JOIN LATERAL (
            SELECT d.objid AS oid FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_catalog.pg_class'::regclass
                AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = a.attrelid
                AND d.refobjsubid = a.attnum AND d.deptype = 'i'
            UNION ALL
            SELECT d.refobjid FROM pg_catalog.pg_attrdef AS f JOIN pg_catalog.pg_depend AS d
                ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = f.oid
                AND d.refclassid = 'pg_catalog.pg_class'::regclass
                WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum
                AND EXISTS (SELECT FROM pg_catalog.pg_class AS k WHERE k.oid = d.refobjid AND k.relkind = 'S')
            LIMIT 1
        ) AS drawn ON true
        LEFT JOIN pg_catalog.pg_class AS q ON q.oid = drawn.oid AND q.relkind = 'S'
        LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = q.relnamespace
        LEFT JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = q.oid
        WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
        """

    private static let keyQuery = """
        SELECT array_agg(a.attname::text ORDER BY part.number) FROM (
            SELECT i.indkey, i.indrelid, i.indnkeyatts FROM pg_catalog.pg_index AS i
            WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
                AND NOT EXISTS (SELECT FROM unnest(i.indkey[0:i.indnkeyatts - 1]) AS k (number)
                    JOIN pg_catalog.pg_attribute AS n ON n.attrelid = i.indrelid AND n.attnum = k.number AND NOT n.attnotnull)
            ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1
        ) AS found CROSS JOIN LATERAL unnest(found.indkey[0:found.indnkeyatts - 1]) WITH ORDINALITY AS part (attribute, number)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = found.indrelid AND a.attnum = part.attribute
        """

    private static let partitionsQuery = """
        SELECT n.nspname::text, c.relname::text, c.relpersistence = 'p', ARRAY(
                SELECT a.attname::text FROM pg_catalog.pg_attribute AS a
                JOIN pg_catalog.pg_attribute AS p ON p.attrelid = $1::oid AND p.attname = a.attname AND NOT p.attisdropped
                LEFT JOIN pg_catalog.pg_attrdef AS f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
                LEFT JOIN pg_catalog.pg_attrdef AS g ON g.adrelid = p.attrelid AND g.adnum = p.attnum
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = ''
                    AND pg_get_expr(f.adbin, f.adrelid) IS DISTINCT FROM pg_get_expr(g.adbin, g.adrelid) ORDER BY 1),
            t.isleaf
        FROM pg_catalog.pg_partition_tree($1::oid::regclass) AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.relid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE t.level > 0 ORDER BY 1, 2
        """

    /// Row triggers after or before UPDATE, and not of a few columns only.
    private static let triggersQuery = """
        SELECT coalesce(array_agg(tgname::text ORDER BY tgname), '{}') FROM pg_catalog.pg_trigger
        WHERE tgrelid = $1::oid AND NOT tgisinternal AND tgenabled <> 'D' AND tgtype & 16 <> 0
            AND coalesce(array_length(tgattr, 1), 0) = 0
        """
}
