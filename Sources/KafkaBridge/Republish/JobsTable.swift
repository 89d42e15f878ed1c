import Consumers
package import EventSourcing
package import Postgres

/// The SQL of the table `jobs`.
///
/// The process that runs a job holds a session advisory lock whose key is made of its name, so that a process that dies is known
/// to be dead at once. The epoch, which each taking raises, keeps one that was cut off from the database from writing.
package struct JobsTable: Sendable {
    let table: TableName
    private let owners: TableName
    private let lockName: String
    private let events: String
    private let queue: QueuedJobs
    /// SQL that is true for jobs of the source, and for those of versions before, which name none.
    private let isOwn: String

    package init(_ tables: TableNames) {
        owners = tables.godwitTable("transactional_segments")
        table = tables.godwitTable("jobs")
        lockName = "godwit job \(tables.godwitSchema) "
        events = tables.events.text
        queue = QueuedJobs(tables)
        isOwn = "(events_table IS NULL OR \(SourceRows(tables).named))"
    }

    func insert(_ job: NewJob, through: Int64) -> BoundStatement {
        let (definition, selection) = (job.definition, job.definition.selection)
        let sql = """
            INSERT INTO \(table.sql) (name, consumer, bounded_contexts, aggregate_types, aggregate_ids, event_types,
                from_time, until_time, is_listed, topic, after_position, asked_through, through_position, rate,
                checkpoint, filter, events_table, state, wish, is_courteous, created_by)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $11, $15, $16, $17, $18, $19, $20)
            ON CONFLICT DO NOTHING
            """
        let life = job.isQueued ? JobLife(.queued, wish: .run) : JobLife(.created)
        return BoundStatement(
            Statement(sql),
            [
                job.name, definition.consumer, selection.scope.boundedContexts, selection.scope.aggregateTypes,
                selection.aggregateIDs, selection.eventTypes, selection.from, selection.until, definition.isListed,
                definition.topic, definition.after, definition.askedThrough, through, job.rate,
                selection.scope.filter.text, events, life.state.rawValue, life.wish.rawValue, job.isCourteous,
                job.createdBy,
            ])
    }

    private static let columns = """
        name, consumer, bounded_contexts, aggregate_types, aggregate_ids, event_types, from_time, until_time,
        is_listed, topic, after_position, asked_through, through_position, rate, state, checkpoint, published,
        error, owner, epoch, created_at, started_at, updated_at, finished_at,
        EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
            AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
            AND (classid::bigint << 32) | objid::bigint = hashtextextended($1 || name, 0)),
        filter, kind, wish, events_table, is_courteous, attempts, retry_at, events_per_second, seconds_left, note,
        created_by
        """

    /// One job, or all of this table of events, the newest first; each row reads as a ``Job``.
    package func find(_ name: String?) -> BoundStatement {
        let sql = """
            SELECT \(Self.columns) FROM \(table.sql)
            WHERE ($2::text IS NULL OR name = $2) AND (events_table IS NULL OR events_table = $3)
            ORDER BY created_at DESC, name
            """
        return BoundStatement(Statement(sql), [lockName, name, events])
    }

    /// The jobs that have not ended for good, and some that have, the newest first.
    package func recent(ended: Int) -> BoundStatement {
        let sql = """
            SELECT \(Self.columns) FROM \(table.sql)
            WHERE (events_table IS NULL OR events_table = $2) AND (state NOT IN ('done', 'cancelled') OR name IN (
                SELECT name FROM \(table.sql) WHERE state IN ('done', 'cancelled')
                ORDER BY finished_at DESC NULLS LAST LIMIT $3))
            ORDER BY created_at DESC, name
            """
        return BoundStatement(Statement(name: "jobs_recent", sql: sql), [lockName, events, ended])
    }

    /// Locks a job's row to the transaction's end. What holds is to be read by a statement behind it.
    func lockRow(_ name: String) -> BoundStatement {
        BoundStatement(Statement("SELECT FROM \(table.sql) WHERE name = $1 FOR UPDATE"), [name])
    }

    /// Lets one process at a time choose a job, to the transaction's end.
    var lockChoice: BoundStatement {
        BoundStatement(
            Statement("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"), ["choice of a \(lockName)"])
    }

    /// The jobs that a process with these consumers may begin, the first one first: name.
    func ready(_ consumers: [String]) -> BoundStatement {
        let sql = """
            SELECT name FROM \(table.sql) AS job WHERE \(queue.isReady(consumers: "$1")) ORDER BY created_at, name LIMIT 20
            """
        return BoundStatement(Statement(sql), [consumers])
    }

    /// Gives the job's session lock back.
    func unlock(_ name: String) -> BoundStatement {
        BoundStatement(Statement("SELECT pg_advisory_unlock(hashtextextended($2 || $1, 0))"), [name, lockName])
    }

    /// Writes a job's state and wish.
    func set(_ name: String, _ life: JobLife) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) SET state = $2, wish = $3, updated_at = clock_timestamp(), note = '',
                retry_at = NULL, attempts = CASE WHEN $2 = 'queued' THEN 0 ELSE attempts END,
                finished_at = CASE WHEN $2 IN ('done', 'cancelled') THEN clock_timestamp() END
            WHERE name = $1
            """
        return BoundStatement(Statement(sql), [name, life.state.rawValue, life.wish.rawValue])
    }

    /// Has a job that names no table of events belong to this one.
    func adopt(_ name: String) -> BoundStatement {
        BoundStatement(
            Statement("UPDATE \(table.sql) SET events_table = $2 WHERE name = $1 AND events_table IS NULL"),
            [name, events])
    }

    /// Whether a name belongs to a job of another table of events.
    func isForeign(_ name: String) -> BoundStatement {
        BoundStatement(
            Statement("SELECT events_table FROM \(table.sql) WHERE name = $1 AND events_table <> $2"), [name, events])
    }

    /// The name and its followers, `NAME-2` and so on, that are taken.
    func names(like stem: String) -> BoundStatement {
        BoundStatement(
            // Numbers shorten a long name.
            Statement("SELECT name FROM \(table.sql) WHERE starts_with(name, left($1, 90))"), [stem])
    }

    /// Takes the job's session lock; false if another session has it.
    func lock(_ name: String) -> BoundStatement {
        BoundStatement(Statement("SELECT pg_try_advisory_lock(hashtextextended($2 || $1, 0))"), [name, lockName])
    }

    /// Makes the owner the one who may write; gives the new epoch, or no row where it is not this runner's to begin.
    func take(_ name: String, owner: String, by runner: JobLife.Runner) -> BoundStatement {
        let (condition, wish) =
            switch runner {
            case .relay: ("wish = 'run' AND state IN ('queued', 'running')", "wish")
            case .command: ("state NOT IN ('done', 'cancelled')", "''")
            }
        let sql = """
            UPDATE \(table.sql) SET owner = $2, epoch = epoch + 1, state = 'running', wish = \(wish), error = NULL,
                note = '', retry_at = NULL, events_per_second = NULL, seconds_left = NULL,
                started_at = coalesce(started_at, clock_timestamp()), updated_at = clock_timestamp()
            WHERE name = $1 AND \(condition) RETURNING epoch
            """
        return BoundStatement(Statement(sql), [name, owner])
    }

    /// Moves the checkpoint forward, and gives what is wished; no row when the job was cancelled or is another's.
    func save(_ name: String, epoch: Int64, _ figures: JobFigures) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) SET checkpoint = $3, published = $4, updated_at = clock_timestamp(),
                events_per_second = $5, seconds_left = $6, note = $7, attempts = CASE WHEN checkpoint < $3 THEN 0 ELSE attempts END
            WHERE name = $1 AND epoch = $2 AND state = 'running' AND checkpoint <= $3 RETURNING wish
            """
        return BoundStatement(
            Statement(name: "jobs_save", sql: sql),
            [
                name, epoch, figures.checkpoint, figures.published, figures.eventsPerSecond, figures.secondsLeft,
                figures.note,
            ])
    }

    /// Writes how a run has ended.
    func end(_ name: String, epoch: Int64, _ life: JobLife, error: String?, attempts: Int, retryAfter: Duration?)
        -> BoundStatement
    {
        let sql = """
            UPDATE \(table.sql) SET state = $3, wish = $4, error = $5, attempts = $6, updated_at = clock_timestamp(),
                retry_at = clock_timestamp() + make_interval(secs => $7), note = '', seconds_left = NULL,
                finished_at = CASE WHEN $3 = 'done' THEN clock_timestamp() END
            WHERE name = $1 AND epoch = $2 AND state = 'running'
            """
        return BoundStatement(
            Statement(sql),
            [
                name, epoch, life.state.rawValue, life.wish.rawValue, error, attempts,
                retryAfter.map { $0 / .seconds(1) },
            ])
    }

    /// Jobs of the source that have not ended for good: name, state, checkpoint, the last position of their range.
    var open: BoundStatement {
        let sql = """
            SELECT name, state, checkpoint, through_position FROM \(table.sql)
            WHERE state NOT IN ('done', 'cancelled') AND \(isOwn)
            """
        return BoundStatement(Statement(name: "jobs_open", sql: sql))
    }

    /// The jobs of a consumer that have not ended for good: name, state.
    func open(of consumer: String) -> BoundStatement {
        let sql = """
            SELECT name, state FROM \(table.sql) WHERE consumer = $1 AND state NOT IN ('done', 'cancelled') ORDER BY name
            """
        return BoundStatement(Statement(sql), [consumer])
    }

    /// Removes some of the source's jobs that ended for good so many seconds ago, with what is recorded of their deliveries: a job of the
    /// same name would go on from there.
    func removeEnded(olderThan seconds: Double, limit: Int) -> BoundStatement {
        let sql = """
            WITH removed AS (
                DELETE FROM \(table.sql) WHERE name IN (
                    SELECT name FROM \(table.sql) WHERE state IN ('done', 'cancelled') AND \(isOwn)
                    AND finished_at < clock_timestamp() - make_interval(secs => $1) LIMIT $2)
                RETURNING name
            ), forgotten AS (
                DELETE FROM \(owners.sql) WHERE consumer_name IN (
                    SELECT '\(SegmentOwnersTable.consumer(ofJob: ""))' || name FROM removed)
            )
            SELECT name FROM removed
            """
        return BoundStatement(Statement(sql), [seconds, limit])
    }

    func setRate(_ name: String, _ rate: Double?) -> BoundStatement {
        BoundStatement(Statement("UPDATE \(table.sql) SET rate = $2 WHERE name = $1"), [name, rate])
    }
}

extension Job {
    /// Reads a row of ``JobsTable/find(_:)``.
    package init(_ row: Row) throws(PostgresError) {
        let selection = EventSelection(
            scope: EventScope(
                aggregateTypes: try row.decode(3), boundedContexts: try row.decode(2), filter: try row.filter(25)),
            aggregateIDs: try row.decode(4), eventTypes: try row.decode(5), from: try row.decodeIfPresent(6),
            until: try row.decodeIfPresent(7))
        self.init(
            name: try row.decode(0),
            definition: JobDefinition(
                consumer: try row.decode(1), selection: selection, topic: try row.decodeIfPresent(9),
                after: try row.decode(10), askedThrough: try row.decodeIfPresent(11), isListed: try row.decode(8)),
            through: try row.decode(12), rate: try row.decodeIfPresent(13),
            state: JobLife.State(rawValue: try row.decode(14)) ?? .failed, checkpoint: try row.decode(15),
            published: try row.decode(16), error: try row.decodeIfPresent(17), owner: try row.decodeIfPresent(18),
            epoch: try row.decode(19), isHeld: try row.decode(24), createdAt: try row.decode(20),
            startedAt: try row.decodeIfPresent(21), updatedAt: try row.decode(22),
            finishedAt: try row.decodeIfPresent(23), kind: try row.decode(26),
            wish: JobLife.Wish(rawValue: try row.decode(27)) ?? .none, eventsTable: try row.decodeIfPresent(28),
            isCourteous: try row.decode(29), attempts: Int(try row.decode(30, as: Int32.self)),
            retryAt: try row.decodeIfPresent(31), eventsPerSecond: try row.decodeIfPresent(32),
            secondsLeft: try row.decodeIfPresent(33), note: try row.decode(34), createdBy: try row.decode(35))
    }
}
