import Consumers
package import EventSourcing
package import Postgres

/// The SQL of the table `jobs`.
///
/// Whoever runs a job holds a session advisory lock whose key is made of its name, so that a process that dies is known
/// to be dead at once. The epoch, which each taking raises, keeps one that was cut off from the database from writing.
package struct JobsTable: Sendable {
    let table: TableName
    private let owners: TableName
    private let lockName: String

    package init(_ tables: TableNames) {
        owners = tables.godwitTable("transactional_segments")
        table = tables.godwitTable("jobs")
        lockName = "godwit job \(tables.godwitSchema) "
    }

    func insert(_ name: String, _ definition: JobDefinition, through: Int64, rate: Double?) -> BoundStatement {
        let selection = definition.selection
        let sql = """
            INSERT INTO \(table.sql) (name, consumer, bounded_contexts, aggregate_types, aggregate_ids, event_types,
                from_time, until_time, is_listed, topic, after_position, asked_through, through_position, rate,
                checkpoint, filter)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $11, $15) ON CONFLICT DO NOTHING
            """
        return BoundStatement(
            Statement(sql),
            [
                name, definition.consumer, selection.scope.boundedContexts, selection.scope.aggregateTypes,
                selection.aggregateIDs, selection.eventTypes, selection.from, selection.until, definition.isListed,
                definition.topic, definition.after, definition.askedThrough, through, rate,
                selection.scope.filter.text,
            ])
    }

    /// One job, or all, the newest first; each row reads as a ``Job``.
    package func find(_ name: String?) -> BoundStatement {
        let sql = """
            SELECT name, consumer, bounded_contexts, aggregate_types, aggregate_ids, event_types, from_time, until_time,
                is_listed, topic, after_position, asked_through, through_position, rate, state, checkpoint, published,
                error, owner, epoch, created_at, started_at, updated_at, finished_at,
                EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
                    AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
                    AND (classid::bigint << 32) | objid::bigint = hashtextextended($2 || name, 0)),
                filter
            FROM \(table.sql) WHERE $1::text IS NULL OR name = $1 ORDER BY created_at DESC, name
            """
        return BoundStatement(Statement(sql), [name, lockName])
    }

    /// Takes the job's session lock; false if another session has it.
    func lock(_ name: String) -> BoundStatement {
        BoundStatement(Statement("SELECT pg_try_advisory_lock(hashtextextended($2 || $1, 0))"), [name, lockName])
    }

    /// Makes the owner the one who may write; gives the new epoch, or no row if the job is done or cancelled.
    func take(_ name: String, owner: String) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) SET owner = $2, epoch = epoch + 1, state = 'running', error = NULL,
                started_at = coalesce(started_at, clock_timestamp()), updated_at = clock_timestamp()
            WHERE name = $1 AND state NOT IN ('done', 'cancelled') RETURNING epoch
            """
        return BoundStatement(Statement(sql), [name, owner])
    }

    /// Moves the checkpoint forward; no row is affected when the job was cancelled or is another's.
    func save(_ name: String, epoch: Int64, checkpoint: Int64, published: Int64) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) SET checkpoint = $3, published = $4, updated_at = clock_timestamp()
            WHERE name = $1 AND epoch = $2 AND state = 'running' AND checkpoint <= $3
            """
        return BoundStatement(Statement(name: "jobs_save", sql: sql), [name, epoch, checkpoint, published])
    }

    /// Says how a run has ended.
    func end(_ name: String, epoch: Int64, as state: Job.State, error: String?) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) SET state = $3, error = $4, updated_at = clock_timestamp(),
                finished_at = CASE WHEN $3 = 'done' THEN clock_timestamp() END
            WHERE name = $1 AND epoch = $2 AND state = 'running'
            """
        return BoundStatement(Statement(sql), [name, epoch, state.rawValue, error])
    }

    /// Ends a job for good, whoever runs it; no row is affected when it has ended before.
    func cancel(_ name: String) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) SET state = 'cancelled', updated_at = clock_timestamp(), finished_at = clock_timestamp()
            WHERE name = $1 AND state NOT IN ('done', 'cancelled')
            """
        return BoundStatement(Statement(sql), [name])
    }

    /// Jobs that have not ended for good: name, state, checkpoint, the last position of their range.
    var open: BoundStatement {
        let sql = """
            SELECT name, state, checkpoint, through_position FROM \(table.sql) WHERE state NOT IN ('done', 'cancelled')
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

    /// Removes some of the jobs that ended for good so many seconds ago, with what is recorded of their deliveries: a job of the
    /// same name would go on from there.
    func removeEnded(olderThan seconds: Double, limit: Int) -> BoundStatement {
        let sql = """
            WITH removed AS (
                DELETE FROM \(table.sql) WHERE name IN (
                    SELECT name FROM \(table.sql) WHERE state IN ('done', 'cancelled')
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
            state: State(rawValue: try row.decode(14)) ?? .failed, checkpoint: try row.decode(15),
            published: try row.decode(16), error: try row.decodeIfPresent(17), owner: try row.decodeIfPresent(18),
            epoch: try row.decode(19), isHeld: try row.decode(24), createdAt: try row.decode(20),
            startedAt: try row.decodeIfPresent(21), updatedAt: try row.decode(22),
            finishedAt: try row.decodeIfPresent(23))
    }
}
