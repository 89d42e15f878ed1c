package import Postgres

/// What `godwit doctor` asks the catalog about an event store. Nothing here needs rights on a table.
package struct CatalogQueries: Sendable {
    private let tables: TableNames

    package init(_ tables: TableNames) { self.tables = tables }

    /// Server's version number, standby, role, superuser, microseconds since 1970, the process of the session, whether it
    /// takes no writes, and whether the role may see what others' sessions do, and end them.
    package var session: BoundStatement {
        BoundStatement(
            Statement(
                """
                SELECT current_setting('server_version_num')::int, pg_is_in_recovery(), current_user::text,
                    (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user),
                    (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, pg_backend_pid(),
                    current_setting('transaction_read_only')::boolean,
                    pg_catalog.pg_has_role(current_user, 'pg_signal_backend', 'USAGE')
                        AND pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
                """))
    }

    /// The events table by its names, because `to_regclass` fails without the right to use the schema.
    private static let events = """
        (SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relname = $2)
        """

    /// The sequences that the positions draw from: of an identity column, or of the default.
    private var sequences: String {
        """
        SELECT d.objid FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
            AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = \(Self.events) AND d.deptype = 'i'
            AND d.refobjsubid = \(column)
        UNION SELECT d.refobjid FROM pg_catalog.pg_attrdef f JOIN pg_catalog.pg_depend d
            ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = f.oid
            AND d.refclassid = 'pg_catalog.pg_class'::regclass
            JOIN pg_catalog.pg_sequence q ON q.seqrelid = d.refobjid
            WHERE f.adrelid = \(Self.events) AND f.adnum = \(column)
        """
    }

    private var column: String {
        """
        (SELECT attnum FROM pg_catalog.pg_attribute
            WHERE attrelid = \(Self.events) AND attname = \(quoteLiteral(tables.source.position)))
        """
    }

    /// Per table that exists: its position in the list, and for each right whether the role has it.
    package func rights(_ list: [TableRights]) -> BoundStatement {
        let sql = """
            SELECT asked.item, asked.privilege, has_schema_privilege(n.oid, 'USAGE') AND CASE asked.privilege
                WHEN 'DELETE' THEN has_table_privilege(c.oid, 'DELETE')
                ELSE has_any_column_privilege(c.oid, asked.privilege) END
            FROM unnest($1::int[], $2::text[], $3::text[], $4::text[]) AS asked (item, schema, name, privilege)
            JOIN pg_catalog.pg_namespace n ON n.nspname = asked.schema
            JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = asked.name
            """
        var items: [Int32] = []
        var schemas: [String] = []
        var names: [String] = []
        var privileges: [String] = []
        for (index, entry) in list.enumerated() {
            for privilege in ["SELECT", "INSERT", "UPDATE", "DELETE"] {
                items.append(Int32(index))
                schemas.append(entry.table.schema)
                names.append(entry.table.name)
                privileges.append(privilege)
            }
        }
        return BoundStatement(Statement(sql), [items, schemas, names, privileges])
    }

    /// The events' sequence: name, cache, increment, whether it cycles, whether the role may read it. No row where there is
    /// no events table.
    package var sequence: BoundStatement {
        let sql = """
            SELECT s.seqrelid::regclass::text, s.seqcache, s.seqincrement, s.seqcycle,
                has_sequence_privilege(s.seqrelid, 'SELECT')
            FROM pg_catalog.pg_sequence s WHERE s.seqrelid IN (\(sequences))
            """
        return BoundStatement(Statement(sql), [tables.events.schema, tables.events.name])
    }

    /// Transactions that have drawn positions and are older than so many seconds: process, application, state, age in
    /// seconds, prepared transaction, virtual transaction. What the role may not see of others is NULL, and does not leave
    /// a transaction out.
    package func openWriters(olderThan seconds: Double) -> BoundStatement {
        let sql = """
            SELECT DISTINCT activity.pid, activity.application_name, activity.state,
                extract(epoch FROM clock_timestamp() - coalesce(activity.xact_start, prepared.prepared))::float8,
                prepared.gid, locks.virtualtransaction
            FROM pg_catalog.pg_locks AS locks
            LEFT JOIN pg_catalog.pg_stat_activity AS activity ON activity.pid = locks.pid
            LEFT JOIN pg_catalog.pg_locks AS transactions ON locks.pid IS NULL AND transactions.pid IS NULL
                AND transactions.locktype = 'transactionid'
                AND transactions.virtualtransaction = locks.virtualtransaction
            LEFT JOIN pg_catalog.pg_prepared_xacts AS prepared ON prepared.transaction = transactions.transactionid
            WHERE locks.locktype = 'relation' AND locks.mode = 'RowExclusiveLock' AND locks.granted
                AND locks.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
                AND locks.relation IN (\(sequences))
                AND coalesce(clock_timestamp() - coalesce(activity.xact_start, prepared.prepared)
                    > make_interval(secs => $3), true)
            """
        return BoundStatement(Statement(sql), [tables.events.schema, tables.events.name, seconds])
    }

    /// The server's limits of sessions and what is used of them: all, reserved, the role's, the database's; used of all, by
    /// the role, in the database; the role's and the database's name.
    package var sessions: BoundStatement {
        BoundStatement(
            Statement(
                """
                SELECT current_setting('max_connections')::int,
                    CASE WHEN r.rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::int
                        + coalesce(current_setting('reserved_connections', true)::int, 0) END,
                    CASE WHEN r.rolsuper THEN -1 ELSE r.rolconnlimit END,
                    CASE WHEN r.rolsuper THEN -1 ELSE d.datconnlimit END,
                    count(a.pid), count(a.pid) FILTER (WHERE a.usesysid = r.oid),
                    count(a.pid) FILTER (WHERE a.datid = d.oid), r.rolname::text, d.datname::text
                FROM pg_catalog.pg_roles r CROSS JOIN pg_catalog.pg_database d
                LEFT JOIN pg_catalog.pg_stat_activity a ON a.datid IS NOT NULL AND a.pid <> pg_backend_pid()
                    AND coalesce(a.backend_type, 'client backend') = 'client backend'
                WHERE r.rolname = current_user AND d.datname = current_database()
                GROUP BY r.oid, r.rolsuper, r.rolconnlimit, d.datconnlimit, r.rolname, d.oid, d.datname
                """))
    }

    /// How many segments each of the consumers was started with, where it was.
    package func segments(of consumers: [String]) -> BoundStatement {
        let sql = """
            SELECT consumer_name, max(total_segments) FROM \(tables.consumerSegments.sql)
            WHERE consumer_name = ANY($1) GROUP BY consumer_name
            """
        return BoundStatement(Statement(sql), [consumers])
    }
}
