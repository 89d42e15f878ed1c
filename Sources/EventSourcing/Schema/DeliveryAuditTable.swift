/// The table of delivery audits: how far each consumer's delivery was compared with its topics, and what was found.
enum DeliveryAuditTable {
    /// `topics`, `partitions`, `next_offsets` and `since_times` are columns of one list, an entry for each partition.
    static func sql(_ tables: TableNames) -> String {
        """
        CREATE TABLE IF NOT EXISTS \(tables.godwitTable("delivery_audits").sql) (
            events_table text NOT NULL,
            consumer_name text NOT NULL,
            began_after bigint NOT NULL,
            reason text NOT NULL,
            began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            position bigint NOT NULL,
            log text NOT NULL DEFAULT '',
            route text NOT NULL DEFAULT '',
            topics text[] NOT NULL DEFAULT '{}',
            partitions integer[] NOT NULL DEFAULT '{}',
            next_offsets bigint[] NOT NULL DEFAULT '{}',
            since_times bigint[] NOT NULL DEFAULT '{}',
            suspects bigint[] NOT NULL DEFAULT '{}',
            missing_positions bigint[] NOT NULL DEFAULT '{}',
            committed bigint NOT NULL DEFAULT 0,
            delivered bigint NOT NULL DEFAULT 0,
            missing bigint NOT NULL DEFAULT 0,
            unproven bigint NOT NULL DEFAULT 0,
            passed_over bigint NOT NULL DEFAULT 0,
            parked bigint NOT NULL DEFAULT 0,
            dead_lettered bigint NOT NULL DEFAULT 0,
            discarded bigint NOT NULL DEFAULT 0,
            not_to_be_known bigint NOT NULL DEFAULT 0,
            doubled bigint NOT NULL DEFAULT 0,
            disordered bigint NOT NULL DEFAULT 0,
            misplaced bigint NOT NULL DEFAULT 0,
            owner text,
            epoch bigint NOT NULL DEFAULT 0,
            stepped_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            caught_up_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (events_table, consumer_name)
        );
        """
    }

    /// The events that were parked when they were audited, and may be delivered since; and the lowest checkpoint at the last step, 0
    /// where an earlier version made it.
    static func parkedPositions(_ tables: TableNames) -> String {
        """
        ALTER TABLE \(tables.godwitTable("delivery_audits").sql)
            ADD COLUMN IF NOT EXISTS parked_positions bigint[] NOT NULL DEFAULT '{}',
            ADD COLUMN IF NOT EXISTS slowest bigint NOT NULL DEFAULT 0;
        """
    }
}
