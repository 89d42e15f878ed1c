/// The tables shared with pupsourcing/core: same names, columns and constraints, so that either reads the other's rows.
enum EventStoreTables {
    static func sql(_ tables: TableNames) -> String {
        tables.columns == nil ? writing(tables) + relaying(tables) : relaying(tables)
    }

    /// What an application writes; not where it has a table of its own.
    private static func writing(_ tables: TableNames) -> String {
        let events = tables.events
        return """
            CREATE TABLE IF NOT EXISTS \(events.sql) (
                global_position bigserial PRIMARY KEY,
                bounded_context text NOT NULL,
                aggregate_type text NOT NULL,
                aggregate_id text NOT NULL,
                aggregate_version bigint NOT NULL,
                event_id uuid NOT NULL UNIQUE,
                event_type text NOT NULL,
                event_version integer NOT NULL DEFAULT 1,
                payload bytea NOT NULL,
                trace_id text,
                correlation_id text,
                causation_id text,
                metadata jsonb,
                created_at timestamptz NOT NULL DEFAULT now(),
                UNIQUE (bounded_context, aggregate_type, aggregate_id, aggregate_version)
            );
            CREATE INDEX IF NOT EXISTS "idx_\(events.name)_event_type"
                ON \(events.sql) (event_type, global_position);
            CREATE INDEX IF NOT EXISTS "idx_\(events.name)_correlation"
                ON \(events.sql) (correlation_id) WHERE correlation_id IS NOT NULL;
            CREATE TABLE IF NOT EXISTS \(tables.aggregateHeads.sql) (
                bounded_context text NOT NULL,
                aggregate_type text NOT NULL,
                aggregate_id text NOT NULL,
                aggregate_version bigint NOT NULL,
                updated_at timestamptz NOT NULL DEFAULT now(),
                PRIMARY KEY (bounded_context, aggregate_type, aggregate_id)
            );

            """
    }

    private static func relaying(_ tables: TableNames) -> String {
        """
        CREATE TABLE IF NOT EXISTS \(tables.consumerSegments.sql) (
            consumer_name text NOT NULL,
            segment_id integer NOT NULL,
            total_segments integer NOT NULL,
            owner_id text,
            checkpoint bigint NOT NULL DEFAULT 0,
            PRIMARY KEY (consumer_name, segment_id)
        );
        CREATE INDEX IF NOT EXISTS "idx_\(tables.consumerSegments.name)_owner"
            ON \(tables.consumerSegments.sql) (consumer_name, owner_id);
        CREATE TABLE IF NOT EXISTS \(tables.consumerWorkers.sql) (
            consumer_name text NOT NULL,
            worker_id text NOT NULL,
            last_heartbeat timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (consumer_name, worker_id)
        );
        """
    }
}
