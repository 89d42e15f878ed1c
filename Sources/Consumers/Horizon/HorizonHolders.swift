package import Postgres

/// Names the transactions that hold a horizon back, for people.
package struct HorizonHolders: Sendable {
    private let sequence: String

    /// - Parameter sequence: the name of the sequence whose lock they hold.
    package init(sequence: String) {
        self.sequence = sequence
    }

    /// The holders of the lock, or those of them that are named.
    ///
    /// - Parameter writers: as a look has listed them; `nil` for all.
    package func describe(
        _ writers: Set<Writer>? = nil, on session: some PostgresSession
    ) async throws(PostgresError) -> [HorizonHold] {
        // A prepared transaction keeps the virtual id of its session; after a restart it has -1 and its transaction id.
        let sql = """
            SELECT activity.pid, activity.application_name, activity.state,
                extract(epoch FROM clock_timestamp() - coalesce(activity.xact_start, prepared.prepared))::float8,
                prepared.gid
            FROM (SELECT DISTINCT virtualtransaction, pid FROM pg_catalog.pg_locks
                WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted
                AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
                AND relation = to_regclass($1)::oid AND pid IS DISTINCT FROM pg_backend_pid()
                AND ($2::text[] IS NULL OR virtualtransaction = ANY($2))) AS locks
            LEFT JOIN pg_catalog.pg_stat_activity AS activity ON activity.pid = locks.pid
            LEFT JOIN pg_catalog.pg_locks AS transactions ON locks.pid IS NULL AND transactions.pid IS NULL
                AND transactions.locktype = 'transactionid'
                AND transactions.virtualtransaction = locks.virtualtransaction
            LEFT JOIN pg_catalog.pg_prepared_xacts AS prepared ON prepared.transaction = transactions.transactionid
            """
        let names = writers?.map(\.virtualTransaction)
        let rows = try await session.query(BoundStatement(Statement(sql), [sequence, names]))
        var holds: [HorizonHold] = []
        for row in rows {
            holds.append(
                HorizonHold(
                    processID: try row.decodeIfPresent(0), application: try row.decodeIfPresent(1),
                    state: try row.decodeIfPresent(2),
                    age: try row.decodeIfPresent(3, as: Double.self).map { .seconds($0) },
                    preparedTransaction: try row.decodeIfPresent(4)))
        }
        return holds
    }

    /// Ends those of the writers that do nothing, and have done nothing for so long: sessions that are idle in a transaction.
    /// State and lock are looked at again in the statement that ends them. Active and prepared ones are left alone.
    ///
    /// - Parameter writers: those that hold the horizon back, as a look has listed them.
    /// - Returns: each with whether the server has taken the signal. A role that may not see what others' sessions do finds none.
    /// - Throws: `PostgresError`, also where the role may not signal another's session.
    package func endIdle(
        _ writers: Set<Writer>, idleFor time: Duration, on session: some PostgresSession
    ) async throws(PostgresError) -> [(hold: HorizonHold, isEnded: Bool)] {
        let sql = """
            SELECT activity.pid, activity.application_name, activity.state,
                extract(epoch FROM clock_timestamp() - activity.xact_start)::float8,
                pg_catalog.pg_terminate_backend(activity.pid)
            FROM pg_catalog.pg_stat_activity AS activity
            WHERE activity.state LIKE 'idle in transaction%' AND activity.pid <> pg_backend_pid()
                AND activity.state_change < clock_timestamp() - make_interval(secs => $3)
                AND EXISTS (SELECT FROM pg_catalog.pg_locks WHERE pid = activity.pid AND locktype = 'relation'
                    AND mode = 'RowExclusiveLock' AND granted AND virtualtransaction = ANY($2)
                    AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
                    AND relation = to_regclass($1)::oid)
            """
        let names = writers.filter { !$0.isPrepared }.map(\.virtualTransaction)
        if names.isEmpty { return [] }
        let statement = BoundStatement(
            Statement(name: "end_idle_writers", sql: sql), [sequence, names, time / .seconds(1)])
        var ended: [(HorizonHold, Bool)] = []
        for row in try await session.query(statement) {
            let hold = HorizonHold(
                processID: try row.decodeIfPresent(0), application: try row.decodeIfPresent(1),
                state: try row.decodeIfPresent(2),
                age: try row.decodeIfPresent(3, as: Double.self).map { .seconds($0) })
            ended.append((hold, try row.decode(4)))
        }
        return ended
    }
}
