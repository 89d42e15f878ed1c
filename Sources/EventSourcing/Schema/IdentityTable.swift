/// The table `checkpoint_identities`: which log of events each consumer's checkpoints count in. Its queries are with who
/// reads the log.
enum IdentityTable {
    static func sql(_ tables: TableNames) -> String {
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
}
