/// The tables that say what a checkpoint stands for: which log it counts in, where the consumer began, and which events
/// the consumer wanted. Their queries are with the code that reads the log.
enum CheckpointTables {
    /// Which log of events each consumer's checkpoints count in.
    static func identities(_ tables: TableNames) -> String {
        """
        CREATE TABLE IF NOT EXISTS \(tables.godwitTable("checkpoint_identities").sql) (
            events_table text NOT NULL,
            consumer_name text NOT NULL,
            system_id text NOT NULL,
            timeline text NOT NULL,
            table_oid oid NOT NULL,
            sequence_oid oid NOT NULL,
            sequence_file oid NOT NULL,
            partitions bigint[] NOT NULL,
            refusal text,
            recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (events_table, consumer_name)
        );
        """
    }

    /// Which events each segment's owner wanted behind a position; the first row of a segment says where it began. And
    /// the start of a consumer that has not begun yet.
    static func scopes(_ tables: TableNames) -> String {
        """
        CREATE TABLE IF NOT EXISTS \(tables.godwitTable("checkpoint_scopes").sql) (
            events_table text NOT NULL,
            consumer_name text NOT NULL,
            segment_id integer NOT NULL,
            after_position bigint NOT NULL,
            bounded_contexts text[] NOT NULL,
            aggregate_types text[] NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (events_table, consumer_name, segment_id, after_position)
        );
        ALTER TABLE \(tables.godwitTable("checkpoint_identities").sql)
            ADD COLUMN IF NOT EXISTS pending_start bigint;
        """
    }

    /// Which events of a scope are wanted beyond its contexts and types; empty for all. The versions before, which do not name
    /// the column, leave none out.
    static func filters(_ tables: TableNames) -> String {
        """
        ALTER TABLE \(tables.godwitTable("checkpoint_scopes").sql)
            ADD COLUMN IF NOT EXISTS filter text NOT NULL DEFAULT '';
        ALTER TABLE \(tables.godwitTable("jobs").sql) ADD COLUMN IF NOT EXISTS filter text NOT NULL DEFAULT '';
        """
    }
}
