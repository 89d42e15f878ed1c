package import Postgres

/// The grants that let a role relay, or append, and nothing more.
///
/// They only add: what the role was given before stays. The role has to exist.
package struct Grants: Sendable {
    private let tables: TableNames
    private let role: String
    private let purpose: TableRights.Purpose
    private let maySignal: Bool
    private let prunes: Bool

    /// - Parameters:
    ///   - maySignal: whether the role may see and end others' sessions, as `horizon.end_idle_writers_after` needs.
    ///   - prunes: whether a relay may remove what is delivered, as `source.retention` needs.
    /// - Throws: `invalidTableName` for a name that no role can have here.
    package init(
        _ purpose: TableRights.Purpose, to role: String, _ tables: TableNames, maySignal: Bool = false,
        prunes: Bool = false
    ) throws(EventStoreError) {
        // The tag of the block below; everything else is quoted.
        guard !role.isEmpty, role.utf8.count <= 63, !role.contains(Self.tag), !role.utf8.contains(0) else {
            throw .invalidTableName(role, reason: "is no name of a role")
        }
        self.tables = tables
        self.role = role
        self.purpose = purpose
        self.maySignal = maySignal
        self.prunes = prunes
    }

    private static let tag = "$godwit$"

    private var granted: [(table: TableName, rights: [TableRights.Right])] {
        TableRights.all(tables, prunes: prunes).map { ($0.table, $0.rights(purpose)) }.filter { !$0.rights.isEmpty }
    }

    /// The grants as SQL, also for `psql`.
    package var script: String {
        let name = quoteIdentifier(role)
        let schemas = Set(granted.map(\.table.schema)).sorted().map {
            "GRANT USAGE ON SCHEMA \(quoteIdentifier($0)) TO \(name);"
        }
        let grants = granted.map { table, rights in
            "GRANT \(rights.map(\.sql).joined(separator: ", ")) ON \(table.sql) TO \(name);"
        }
        let what = purpose == .relay ? "relays" : "appends"
        return """
            -- A role that \(what), and nothing more.
            \(connectAndSequences)
            \(schemas.joined(separator: "\n"))
            \(grants.joined(separator: "\n"))
            \(maySignal && purpose == .relay ? "GRANT pg_signal_backend, pg_read_all_stats TO \(name);" : "")
            \(purpose == .relay ? Self.activity(name) : "")
            """
    }

    /// Left to decide: it shows more than the relay needs.
    private static func activity(_ name: String) -> String {
        """
        -- Not needed: lets the relay tell the age of another role's transaction that holds it up; shows its queries too.
        -- GRANT pg_read_all_stats TO \(LineComment.safe(name));
        """
    }

    /// Sequences by their tables, because their names are not known; relaying reads how far the events' one was drawn.
    private var connectAndSequences: String {
        let literal = quoteLiteral(role)
        let loops = granted.compactMap { table, rights -> String? in
            let isEvents = table == tables.events
            guard rights.contains(.insert) || isEvents else { return nil }
            let right = isEvents && purpose == .relay ? "SELECT" : "USAGE"
            return """
                FOR owned IN \(Self.sequences(of: table))
                LOOP EXECUTE format('GRANT \(right) ON SEQUENCE %s TO %I', owned, \(literal)); END LOOP;
                """
        }
        return """
            DO \(Self.tag) DECLARE owned regclass; BEGIN
            IF NOT has_database_privilege(\(literal), current_database(), 'CONNECT') THEN
                EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), \(literal));
            END IF;
            \(loops.joined(separator: "\n"))
            END \(Self.tag);
            """
    }

    /// The sequences that belong to a table, and those that its columns draw from by their defaults.
    static func sequences(of table: TableName) -> String {
        """
        SELECT d.objid::regclass FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid = d.objid
            WHERE d.refobjid = \(quoteLiteral(table.sql))::regclass AND c.relkind = 'S' AND d.deptype IN ('a', 'i')
        UNION SELECT d.refobjid::regclass FROM pg_catalog.pg_attrdef f JOIN pg_catalog.pg_depend d
            ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = f.oid
                AND d.refclassid = 'pg_catalog.pg_class'::regclass
            JOIN pg_catalog.pg_class c ON c.oid = d.refobjid AND c.relkind = 'S'
            WHERE f.adrelid = \(quoteLiteral(table.sql))::regclass
        """
    }

    /// Lets a role read a source, whether or not Godwit's own tables are there yet.
    package static func source(_ table: TableName, to role: String) throws(EventStoreError) -> String {
        guard !role.isEmpty, role.utf8.count <= 63, !role.contains(tag), !role.utf8.contains(0) else {
            throw .invalidTableName(role, reason: "is no name of a role")
        }
        let name = quoteIdentifier(role)
        return """
            -- A role that reads the table; `godwit migrate --grants` adds what else relaying needs.
            GRANT USAGE ON SCHEMA \(quoteIdentifier(table.schema)) TO \(name);
            GRANT SELECT ON \(table.sql) TO \(name);
            DO \(tag) DECLARE owned regclass; BEGIN
            FOR owned IN \(sequences(of: table))
            LOOP EXECUTE format('GRANT SELECT ON SEQUENCE %s TO %I', owned, \(quoteLiteral(role))); END LOOP;
            END \(tag);
            """
    }

    /// Whether there is such a role.
    package func roleExists(on session: some PostgresSession) async throws(PostgresError) -> Bool {
        let statement = Statement("SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)")
        return try await session.query(BoundStatement(statement, [role])).first?.decode(0) ?? false
    }

    /// Grants in one transaction.
    package func apply(on connection: Connection) async throws(EventStoreError) {
        do {
            try await connection.withTransaction { try await $0.execute(script: script) }
        } catch {
            throw EventStoreError(error)
        }
    }
}

/// Text inside an SQL comment of one line.
private enum LineComment {
    /// A line end would begin a statement.
    static func safe(_ text: String) -> String { text.filter { !$0.isNewline } }
}
