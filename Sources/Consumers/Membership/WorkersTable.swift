import EventSourcing
import Postgres

/// The SQL of the table `consumer_workers`.
///
/// A worker holds a session advisory lock whose key is made of its id, so that the others see at once when its session
/// has ended. Database time alone decides who is late, by the terms that each worker has recorded in its rows.
package struct WorkersTable: Sendable {
    let table: TableName
    private let segments: TableName
    private let controls: ControlsTable
    private let requests: NotifyRequests
    private let jobs: QueuedJobs

    init(_ tables: TableNames) {
        self.table = tables.consumerWorkers
        self.segments = tables.consumerSegments
        self.controls = ControlsTable(tables)
        self.requests = NotifyRequests(tables)
        self.jobs = QueuedJobs(tables)
    }

    /// The key of a worker's session lock; its id is an SQL expression.
    static func lockKey(of worker: String) -> String { "hashtextextended('godwit worker ' || \(worker), 0)" }

    /// Whether the lock of the worker in column `worker_id` is free.
    package static let lockIsFree = lockIsFree(of: "worker_id")

    private static func lockIsFree(of worker: String) -> String {
        """
        NOT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
            AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
            AND (classid::bigint << 32) | objid::bigint = \(lockKey(of: worker)))
        """
    }

    // MARK: Judging others

    /// Seconds since the heartbeat of a row.
    private static let age = "extract(epoch FROM clock_timestamp() - last_heartbeat)::float8"

    /// After how many seconds without a heartbeat others take over while the lock is free; NULL where a free lock says
    /// nothing.
    private static func takeover(ownStale: String) -> String {
        """
        CASE WHEN stale_after IS NOT NULL THEN least(takeover_after, stale_after) \
        WHEN session_lock THEN least(\(LeaseTerms.takeoverBefore / .seconds(1)), \(ownStale)) END
        """
    }

    /// Whether the lock of a row's worker was held and is free. The locks of the cluster are looked at only where a heartbeat
    /// is late, since that takes long where there are many.
    private static func isGone(ownStale: String) -> String {
        "CASE WHEN \(age) > \(takeover(ownStale: ownStale)) / 2 THEN \(lockIsFree) ELSE false END"
    }

    /// After how many seconds without a heartbeat others take over: ``WorkerRow/limit(ownStale:)``.
    private static func limit(ownStale: String) -> String {
        """
        CASE WHEN \(isGone(ownStale: ownStale)) THEN \(takeover(ownStale: ownStale))
            ELSE coalesce(stale_after, \(ownStale)) END
        """
    }

    /// Removes the workers that are dead by ``WorkerRow/isDead(ownStale:)``, and frees their segments, and those whose
    /// owner is not registered and has no session. Gives how many entries were removed and segments freed, of which
    /// workers, the owners that are not registered and have no session, how inserts notify, see ``TriggerSight``, and whether
    /// a job waits for this worker's process.
    ///
    /// A row that another session has locked is passed over: a worker is removed with the last of its segments, one that
    /// beats at this instant is not.
    ///
    /// - Parameters:
    ///   - missing: owners that have not been registered for long.
    ///   - channel: on which inserts should notify.
    ///   - looksForJobs: whether the process runs jobs; else none is seen.
    func removeDead(
        _ worker: String, consumers: [String], ownStale: Duration, missing: [String], channel: String,
        looksForJobs: Bool = false
    ) -> BoundStatement {
        let sql = """
            WITH dead AS MATERIALIZED (
                SELECT consumer_name, worker_id FROM \(table.sql)
                WHERE consumer_name = ANY($2) AND worker_id <> $1 AND \(Self.age) > \(Self.limit(ownStale: "$3"))
                FOR UPDATE SKIP LOCKED
            ), freed AS (
                UPDATE \(segments.sql) SET owner_id = NULL WHERE (consumer_name, segment_id) IN (
                    SELECT consumer_name, segment_id FROM \(segments.sql) AS segments
                    WHERE consumer_name = ANY($2) AND owner_id IS NOT NULL AND (
                        EXISTS (SELECT FROM dead WHERE dead.consumer_name = segments.consumer_name
                            AND dead.worker_id = segments.owner_id)
                        OR owner_id = ANY($4) AND \(isMissing))
                    -- A transaction that holds one is moving its checkpoint; its turn comes when that has ended.
                    FOR UPDATE SKIP LOCKED)
                RETURNING consumer_name, segment_id
            ), removed AS (
                DELETE FROM \(table.sql) WHERE (consumer_name, worker_id) IN (
                    SELECT consumer_name, worker_id FROM dead WHERE NOT EXISTS (
                        SELECT FROM \(segments.sql) AS kept
                        WHERE kept.consumer_name = dead.consumer_name AND kept.owner_id = dead.worker_id
                        AND NOT EXISTS (SELECT FROM freed WHERE freed.consumer_name = kept.consumer_name
                            AND freed.segment_id = kept.segment_id)))
                RETURNING worker_id
            )
            SELECT (SELECT count(*) FROM removed), (SELECT count(*) FROM freed),
                (SELECT string_agg(DISTINCT worker_id, ', ') FROM removed),
                ARRAY(SELECT DISTINCT owner_id FROM \(segments.sql) AS segments
                    WHERE consumer_name = ANY($2) AND owner_id IS NOT NULL AND \(isMissing)),
                \(requests.state(channel)),
                \(looksForJobs ? jobs.isWaiting(consumers: "$2") : "false")
            """
        return BoundStatement(
            Statement(name: "workers_remove_dead", sql: sql), [worker, consumers, ownStale / .seconds(1), missing])
    }

    /// Whether the owner of a row of `segments` is not registered and has no session. It may live all the same, and put its
    /// row back with its next heartbeat.
    private var isMissing: String {
        """
        CASE WHEN EXISTS (SELECT FROM \(table.sql) AS workers
            WHERE workers.consumer_name = segments.consumer_name AND workers.worker_id = segments.owner_id) THEN false
            ELSE \(Self.lockIsFree(of: "segments.owner_id")) END
        """
    }

    /// The workers of the consumers that are not dead: consumer, worker, the seconds that are left until it is dead unless it
    /// beats, whether its lock is free; and what is ordered for the consumer: whether it is paused, its rate, and whether its
    /// segments are to be given back.
    ///
    /// - Parameter ownStale: for rows without terms.
    func live(_ consumers: [String], ownStale: Duration) -> BoundStatement {
        let sql = """
            SELECT * FROM (
                SELECT consumer_name, worker_id, \(Self.limit(ownStale: "$2")) - \(Self.age) AS remaining,
                    \(Self.isGone(ownStale: "$2")), coalesce(is_paused, false), rate, coalesce(is_drained, false)
                FROM \(table.sql) \(controls.join) WHERE consumer_name = ANY($1)
            ) AS workers WHERE remaining >= 0
            """
        return BoundStatement(
            Statement(name: "workers_live", sql: sql), [consumers, ownStale / .seconds(1)])
    }

    /// Every worker of every consumer: consumer, worker, seconds since the heartbeat, whether its session has ended, the
    /// consumer's condition there, why, and whether it has stopped by its own terms.
    var all: BoundStatement {
        let sql = """
            SELECT consumer_name, worker_id, \(Self.age),
                (session_lock OR takeover_after IS NOT NULL) AND \(Self.lockIsFree), condition, reason,
                coalesce(last_heartbeat < clock_timestamp() - make_interval(secs => takeover_after), false)
            FROM \(table.sql) ORDER BY 1, 2
            """
        return BoundStatement(Statement(name: "workers_all", sql: sql))
    }

    /// Of some workers of a consumer those that would go on with its former segments after an exchange: worker.
    func others(_ consumer: String, among workers: [String]) -> BoundStatement {
        let sql = """
            SELECT worker_id FROM \(table.sql)
            WHERE consumer_name = $1 AND worker_id = ANY($2) AND NOT follows_segments ORDER BY 1
            """
        return BoundStatement(Statement(name: "workers_others", sql: sql), [consumer, workers])
    }

    // MARK: The worker's own rows

    /// Takes the worker's session lock if it is free, and records that the worker is alive, its terms and each consumer's
    /// condition; puts entries back where they went missing. One round trip. Gives for each consumer: whether the lock is
    /// held, the consumer, whether the heartbeat was noted, whether the entry had to be made.
    ///
    /// It waits for no row: one that another session has locked is passed over, and the heartbeat is not noted there.
    ///
    /// `session_lock` is for the version before, which takes over after *its* heartbeat interval where the column is true and
    /// the lock is free. By its defaults that is 5 s, later than ``LeaseTerms/ownerLimit``; it may have been set to less. So
    /// the column is false while such a worker is registered: then that worker waits for its stale threshold, which is three
    /// of its intervals at least. This version reads `takeover_after` and `stale_after`, which the version before leaves NULL.
    func heartbeat(
        _ worker: String, _ consumers: [(name: String, condition: String, reason: String)], terms: LeaseTerms
    ) -> BoundStatement {
        let values = """
            clock_timestamp(), session.is_held AND NOT EXISTS (SELECT FROM \(table.sql) AS older
                WHERE older.consumer_name = told.consumer_name AND older.session_lock AND older.stale_after IS NULL
                AND older.worker_id <> $1),
            told.condition, told.reason, CASE WHEN session.is_held THEN $5::float8 END, $6::float8, true
            """
        let columns =
            "last_heartbeat, session_lock, condition, reason, takeover_after, stale_after, follows_segments"
        let sql = """
            WITH session AS MATERIALIZED (
                SELECT pg_try_advisory_lock(\(Self.lockKey(of: "$1"))) AS is_held
            ), told AS MATERIALIZED (
                SELECT * FROM unnest($2, $3, $4) AS told (consumer_name, condition, reason)
            ), unlocked AS MATERIALIZED (
                SELECT consumer_name FROM \(table.sql) WHERE worker_id = $1 AND consumer_name = ANY($2)
                FOR UPDATE SKIP LOCKED
            ), noted AS (
                UPDATE \(table.sql) AS own SET (\(columns)) = ROW(\(values))
                FROM session, told JOIN unlocked USING (consumer_name)
                WHERE own.worker_id = $1 AND own.consumer_name = told.consumer_name
                RETURNING own.consumer_name
            ), begun AS (
                INSERT INTO \(table.sql) (consumer_name, worker_id, \(columns))
                SELECT told.consumer_name, $1, \(values) FROM session, told WHERE NOT EXISTS (
                    SELECT FROM \(table.sql) AS own
                    WHERE own.worker_id = $1 AND own.consumer_name = told.consumer_name)
                ON CONFLICT DO NOTHING
                RETURNING consumer_name
            )
            SELECT session.is_held, told.consumer_name,
                noted.consumer_name IS NOT NULL OR begun.consumer_name IS NOT NULL, begun.consumer_name IS NOT NULL
            FROM session, told LEFT JOIN noted USING (consumer_name) LEFT JOIN begun USING (consumer_name)
            """
        return BoundStatement(
            Statement(name: "workers_heartbeat", sql: sql),
            [
                worker, consumers.map(\.name), consumers.map(\.condition), consumers.map(\.reason),
                terms.takeover / .seconds(1), terms.stale / .seconds(1),
            ])
    }

    /// Removes the worker's entries, but for consumers of which it could not release all segments: by those the others see
    /// that it is gone, and when.
    func deregister(_ worker: String, consumers: [String]) -> BoundStatement {
        let sql = """
            DELETE FROM \(table.sql) AS workers WHERE worker_id = $1 AND consumer_name = ANY($2)
            AND NOT EXISTS (SELECT FROM \(segments.sql) AS segments
                WHERE segments.consumer_name = workers.consumer_name AND segments.owner_id = $1)
            """
        return BoundStatement(Statement(name: "workers_deregister", sql: sql), [worker, consumers])
    }
}
