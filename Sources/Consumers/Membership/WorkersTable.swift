import EventSourcing
import Postgres

/// The SQL of the table `consumer_workers`.
///
/// A worker holds a session advisory lock whose key is made of its id, so that the others see at once when its session
/// has ended. Database time alone decides who is late.
package struct WorkersTable: Sendable {
    private let table: TableName
    private let segments: TableName
    private let controls: ControlsTable
    private let requests: NotifyRequests

    init(_ tables: TableNames) {
        self.table = tables.consumerWorkers
        self.segments = tables.consumerSegments
        self.controls = ControlsTable(tables)
        self.requests = NotifyRequests(tables)
    }

    /// Whether the lock of the worker in column `worker_id` is free.
    package static let lockIsFree = """
        NOT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
            AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
            AND (classid::bigint << 32) | objid::bigint = hashtextextended('godwit worker ' || worker_id, 0))
        """

    /// Takes the worker's session lock; false if another session has it.
    func lock(_ worker: String) -> BoundStatement {
        BoundStatement(
            Statement("SELECT pg_try_advisory_lock(hashtextextended('godwit worker ' || $1, 0))"), [worker])
    }

    /// Records that the worker is alive and each consumer's condition, and puts its entries back where they went missing.
    func heartbeat(_ worker: String, _ consumers: [(name: String, condition: String, reason: String)]) -> BoundStatement
    {
        let sql = """
            INSERT INTO \(table.sql) (consumer_name, worker_id, last_heartbeat, session_lock, condition, reason)
            SELECT consumer, $1, clock_timestamp(), true, told.condition, told.reason
            FROM unnest($2, $3, $4) AS told (consumer, condition, reason)
            ON CONFLICT (consumer_name, worker_id) DO UPDATE SET last_heartbeat = clock_timestamp(), session_lock = true,
                condition = excluded.condition, reason = excluded.reason
            """
        return BoundStatement(
            Statement(name: "workers_heartbeat", sql: sql),
            [worker, consumers.map(\.name), consumers.map(\.condition), consumers.map(\.reason)])
    }

    /// Every worker of every consumer: consumer, worker, seconds since the heartbeat, whether its session has ended, how
    /// the consumer's condition there, and why.
    var all: BoundStatement {
        let sql = """
            SELECT consumer_name, worker_id, extract(epoch FROM clock_timestamp() - last_heartbeat)::float8,
                session_lock AND \(Self.lockIsFree), condition, reason
            FROM \(table.sql) ORDER BY 1, 2
            """
        return BoundStatement(Statement(name: "workers_all", sql: sql))
    }

    /// Removes the workers that are dead, and frees every segment whose owner is not registered. Dead is who has not
    /// been heard of for the stale threshold, or for an interval while its session lock is free.
    ///
    /// - Parameter channel: on which inserts should notify; the row also says how they do, see ``TriggerSight``.
    func removeDead(
        _ worker: String, consumers: [String], staleThreshold: Duration, heartbeatInterval: Duration, channel: String
    ) -> BoundStatement {
        let sql = """
            WITH dead AS (
                DELETE FROM \(table.sql) WHERE (consumer_name, worker_id) IN (
                    SELECT consumer_name, worker_id FROM \(table.sql)
                    WHERE consumer_name = ANY($2) AND worker_id <> $1 AND (
                        last_heartbeat < clock_timestamp() - make_interval(secs => $3)
                        OR session_lock AND last_heartbeat < clock_timestamp() - make_interval(secs => $4)
                            AND \(Self.lockIsFree))
                    FOR UPDATE SKIP LOCKED)
                RETURNING consumer_name, worker_id
            ), freed AS (
                UPDATE \(segments.sql) SET owner_id = NULL WHERE (consumer_name, segment_id) IN (
                    SELECT consumer_name, segment_id FROM \(segments.sql) AS segments
                    WHERE consumer_name = ANY($2) AND owner_id IS NOT NULL AND NOT EXISTS (
                        SELECT FROM \(table.sql) AS workers
                        WHERE workers.consumer_name = segments.consumer_name AND workers.worker_id = segments.owner_id
                        AND NOT EXISTS (SELECT FROM dead WHERE dead.consumer_name = workers.consumer_name
                            AND dead.worker_id = workers.worker_id))
                    -- A transaction that holds one is moving its checkpoint; its turn comes when that has ended.
                    FOR UPDATE SKIP LOCKED)
                RETURNING segment_id
            )
            SELECT (SELECT count(*) FROM dead), (SELECT count(*) FROM freed),
                (SELECT string_agg(DISTINCT worker_id, ', ') FROM dead), \(requests.state(channel))
            """
        return BoundStatement(
            Statement(name: "workers_remove_dead", sql: sql),
            [worker, consumers, staleThreshold / .seconds(1), heartbeatInterval / .seconds(1)])
    }

    /// The live workers of the consumers: consumer, worker, seconds since the heartbeat, whether its lock is free; and
    /// what is ordered for the consumer: whether it is paused, and its rate.
    func live(_ consumers: [String]) -> BoundStatement {
        let sql = """
            SELECT consumer_name, worker_id,
                extract(epoch FROM clock_timestamp() - last_heartbeat)::float8, session_lock AND \(Self.lockIsFree),
                coalesce(is_paused, false), rate
            FROM \(table.sql) \(controls.join) WHERE consumer_name = ANY($1)
            """
        return BoundStatement(Statement(name: "workers_live", sql: sql), [consumers])
    }

    /// Removes the worker's entries.
    func deregister(_ worker: String, consumers: [String]) -> BoundStatement {
        BoundStatement(
            Statement(
                name: "workers_deregister",
                sql: "DELETE FROM \(table.sql) WHERE worker_id = $1 AND consumer_name = ANY($2)"),
            [worker, consumers])
    }
}
