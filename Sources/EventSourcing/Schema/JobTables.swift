/// The tables of republish jobs: the jobs themselves, and the events that a job lists one by one.
enum JobTables {
    static func sql(_ tables: TableNames) -> String {
        let jobs = tables.godwitTable("jobs")
        return """
            CREATE TABLE IF NOT EXISTS \(jobs.sql) (
                name text PRIMARY KEY,
                consumer text NOT NULL,
                bounded_contexts text[] NOT NULL,
                aggregate_types text[] NOT NULL,
                aggregate_ids text[] NOT NULL,
                event_types text[] NOT NULL,
                from_time timestamptz,
                until_time timestamptz,
                is_listed boolean NOT NULL,
                topic text,
                after_position bigint NOT NULL,
                through_position bigint NOT NULL,
                asked_through bigint,
                rate double precision,
                state text NOT NULL DEFAULT 'created',
                checkpoint bigint NOT NULL,
                published bigint NOT NULL DEFAULT 0,
                error text,
                owner text,
                epoch bigint NOT NULL DEFAULT 0,
                created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
                started_at timestamptz,
                updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
                finished_at timestamptz
            );
            CREATE TABLE IF NOT EXISTS \(tables.godwitTable("job_events").sql) (
                job text NOT NULL REFERENCES \(jobs.sql) ON DELETE CASCADE,
                global_position bigint NOT NULL,
                PRIMARY KEY (job, global_position)
            );
            """
    }
}
