/// The tables of retention: which consumers there are, how long positions have been delivered, and what was removed. Their
/// queries are with the code that removes.
enum RetentionTables {
    /// Each consumer with the source that it reads, from the moment that it is known: also one that has not begun yet keeps
    /// its events. `begins_after` is NULL where it wants nothing that is there already; `began_without` is how far rows had
    /// been removed when it began.
    static func registrations(_ tables: TableNames) -> String {
        """
        CREATE TABLE IF NOT EXISTS \(tables.godwitTable("registered_consumers").sql) (
            events_table text NOT NULL,
            consumer_name text NOT NULL,
            begins_after bigint,
            began_without bigint,
            registered_by text NOT NULL,
            registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (events_table, consumer_name)
        );
        """
    }

    /// At which times everything up to which position was delivered by all; and per source what was removed, and what keeps
    /// the rest.
    static func prunings(_ tables: TableNames) -> String {
        """
        CREATE TABLE IF NOT EXISTS \(tables.godwitTable("delivered_positions").sql) (
            events_table text NOT NULL,
            position bigint NOT NULL,
            at timestamptz NOT NULL,
            PRIMARY KEY (events_table, position)
        );
        CREATE TABLE IF NOT EXISTS \(tables.godwitTable("prunings").sql) (
            events_table text PRIMARY KEY,
            through_position bigint NOT NULL DEFAULT 0,
            pruned_rows bigint NOT NULL DEFAULT 0,
            kept_rows bigint NOT NULL DEFAULT 0,
            pruned_at timestamptz,
            looked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            held_at bigint,
            held_by text NOT NULL DEFAULT ''
        );
        """
    }

    /// What the exchange of a consumer's segments needs: until when its segments are given back and not claimed; which
    /// workers follow an exchange, which those of earlier versions and of pupsourcing do not; and how far each of the former
    /// segments had come.
    static func exchanges(_ tables: TableNames) -> String {
        """
        ALTER TABLE \(tables.godwitTable("consumer_controls").sql) ADD COLUMN IF NOT EXISTS drained_until timestamptz;
        ALTER TABLE \(tables.consumerWorkers.sql)
            ADD COLUMN IF NOT EXISTS follows_segments boolean NOT NULL DEFAULT false;
        CREATE TABLE IF NOT EXISTS \(tables.godwitTable("segment_exchanges").sql) (
            events_table text NOT NULL,
            consumer_name text NOT NULL,
            generation bigint NOT NULL,
            former_checkpoints bigint[] NOT NULL,
            exchanged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (events_table, consumer_name)
        );
        """
    }

    /// Which table a name meant when it was recorded, since names change; and which rows were removed before a consumer had
    /// them, until an operator has accepted that. Of earlier records the table is the one that has the name now.
    static func ofTables(_ tables: TableNames) -> String {
        let (registered, prunings) = (
            tables.godwitTable("registered_consumers").sql, tables.godwitTable("prunings").sql
        )
        // Also those of other sources whose consumers are registered in the same table.
        func plain(_ name: String) -> String {
            "CASE WHEN \(name) ~ '^[A-Za-z_][A-Za-z0-9_]*$' THEN \(name)::text "
                + "ELSE '\"' || replace(\(name)::text, '\"', '\"\"') || '\"' END"
        }
        func fill(_ recorded: String) -> String {
            """
            UPDATE \(recorded) AS recorded SET table_oid = c.oid
                FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                WHERE recorded.table_oid IS NULL AND c.relkind IN ('r', 'p')
                AND recorded.events_table = \(plain("n.nspname")) || '.' || \(plain("c.relname"));
            """
        }
        return """
            ALTER TABLE \(registered) ADD COLUMN IF NOT EXISTS table_oid oid, ADD COLUMN IF NOT EXISTS missed_after bigint,
                ADD COLUMN IF NOT EXISTS missed_through bigint;
            ALTER TABLE \(prunings) ADD COLUMN IF NOT EXISTS table_oid oid;
            \(fill(registered))
            \(fill(prunings))
            """
    }

    static func sql(_ tables: TableNames) -> String {
        [registrations(tables), prunings(tables), exchanges(tables)].joined(separator: "\n")
    }
}
