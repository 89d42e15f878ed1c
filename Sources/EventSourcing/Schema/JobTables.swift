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

    /// What relays need to run jobs: what is wanted of a job, apart from its state; when what has failed is tried again; what
    /// is known of the run; and all runs. The columns have defaults, so that the version before makes jobs that no relay takes:
    /// it names neither a wish nor the table of events.
    static func queue(_ tables: TableNames) -> String {
        let jobs = tables.godwitTable("jobs")
        return """
            ALTER TABLE \(jobs.sql)
                ADD COLUMN IF NOT EXISTS kind text NOT NULL DEFAULT 'republish',
                ADD COLUMN IF NOT EXISTS wish text NOT NULL DEFAULT '',
                ADD COLUMN IF NOT EXISTS events_table text,
                ADD COLUMN IF NOT EXISTS is_courteous boolean NOT NULL DEFAULT false,
                ADD COLUMN IF NOT EXISTS attempts integer NOT NULL DEFAULT 0,
                ADD COLUMN IF NOT EXISTS retry_at timestamptz,
                ADD COLUMN IF NOT EXISTS events_per_second double precision,
                ADD COLUMN IF NOT EXISTS seconds_left double precision,
                ADD COLUMN IF NOT EXISTS note text NOT NULL DEFAULT '',
                ADD COLUMN IF NOT EXISTS created_by text NOT NULL DEFAULT '';
            CREATE INDEX IF NOT EXISTS jobs_wanted ON \(jobs.sql) (created_at, name) WHERE wish = 'run';
            CREATE TABLE IF NOT EXISTS \(tables.godwitTable("job_runs").sql) (
                job text NOT NULL REFERENCES \(jobs.sql) ON DELETE CASCADE,
                epoch bigint NOT NULL,
                owner text NOT NULL,
                started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
                ended_at timestamptz,
                outcome text NOT NULL DEFAULT '',
                published_before bigint NOT NULL,
                published bigint,
                error text,
                PRIMARY KEY (job, epoch)
            );
            """
    }
}
