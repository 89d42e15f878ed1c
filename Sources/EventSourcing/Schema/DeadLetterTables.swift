/// The table `dead_letters`: events that a consumer could not deliver, and what became of them. Its queries are with
/// who relays.
enum DeadLetterTables {
    static func sql(_ tables: TableNames) -> String {
        let table = tables.godwitTable("dead_letters")
        return """
            CREATE TABLE IF NOT EXISTS \(table.sql) (
                consumer_name text NOT NULL,
                global_position bigint NOT NULL,
                segment_id integer NOT NULL,
                event_id uuid NOT NULL,
                event_type text NOT NULL,
                bounded_context text NOT NULL,
                aggregate_type text NOT NULL,
                aggregate_id text NOT NULL,
                aggregate_version bigint NOT NULL,
                state text NOT NULL CHECK (state IN ('halted', 'parked', 'redriving', 'redriven', 'discarded')),
                is_cause boolean NOT NULL,
                redrive_requested boolean NOT NULL DEFAULT false,
                reason text NOT NULL,
                error text NOT NULL,
                attempts integer NOT NULL DEFAULT 1,
                first_at timestamptz NOT NULL DEFAULT clock_timestamp(),
                last_at timestamptz NOT NULL DEFAULT clock_timestamp(),
                PRIMARY KEY (consumer_name, global_position)
            );
            CREATE INDEX IF NOT EXISTS dead_letters_open ON \(table.sql)
                (consumer_name, segment_id, bounded_context, aggregate_type, aggregate_id, global_position)
                WHERE state IN ('halted', 'parked', 'redriving');
            """
    }
}
