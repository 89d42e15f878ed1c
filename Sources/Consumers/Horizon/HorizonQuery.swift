package import EventSourcing
package import Postgres

/// The SQL behind the settled horizon.
package struct HorizonQuery: Sendable {
    /// The events table's object id.
    private let table: UInt32
    private let events: EventsTable
    private let lastDrawn: BoundStatement
    private let writers: BoundStatement

    /// How many positions an index-only look reads at most.
    static let contiguityLimit = 10_000

    /// Finds the events table and its sequence, and refuses what breaks the horizon.
    package init(_ tables: TableNames, on session: some PostgresSession) async throws(HorizonError) {
        let facts: Facts
        do {
            facts = try await Facts(tables.events, on: session)
        } catch {
            throw .database(error)
        }
        guard let table = facts.table else { throw .missingTable(tables.events) }
        guard !facts.isStandby else { throw .standby }
        guard let sequence = facts.sequence else { throw .missingSequence(tables.events) }
        guard facts.cache == 1 else { throw .cachedSequence(sequence, cache: facts.cache) }
        guard facts.increment == 1, !facts.cycles else { throw .unusualSequence(sequence) }
        self.table = table
        self.events = EventsTable(tables.events)
        self.lastDrawn = BoundStatement(
            Statement(
                name: "last_drawn",
                sql: "SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM \(sequence)"))
        self.writers = BoundStatement(
            Statement(
                name: "writers",
                // Partitions may come and go, and an INSERT may name one directly.
                sql: """
                    WITH RECURSIVE tables AS (
                        SELECT $1::oid AS oid
                        UNION ALL
                        SELECT inhrelid FROM pg_catalog.pg_inherits JOIN tables ON inhparent = tables.oid
                    )
                    SELECT DISTINCT virtualtransaction, pid IS NULL FROM pg_catalog.pg_locks
                    WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted
                    AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
                    AND relation IN (SELECT oid FROM tables)
                    """), [table])
    }

    /// One look, in one round trip: the last position drawn, then the writers, then, if wanted, the visible positions
    /// behind the horizon. The order of the three is what makes it right.
    ///
    /// - Parameter horizon: the horizon to look behind for visible positions, or `nil` if they are not wanted.
    func take(
        on connection: Connection, positionsBehind horizon: Int64?
    ) async throws(PostgresError) -> HorizonSnapshot {
        var statements = [lastDrawn, writers]
        if let horizon { statements.append(events.positions(after: horizon, limit: Self.contiguityLimit)) }
        let results = try await connection.pipeline(statements)
        var holders: Set<Writer> = []
        for row in results[1] {
            holders.insert(Writer(virtualTransaction: try row.decode(0), isPrepared: try row.decode(1)))
        }
        var positions: [Int64] = []
        if horizon != nil {
            for row in results[2] { positions.append(try row.decode(0)) }
        }
        return HorizonSnapshot(
            lastDrawn: try results[0].first?.decode(0) ?? 0, writers: holders, visiblePositions: positions)
    }

    /// Who the writers are, for people.
    func describe(
        _ writers: Set<Writer>, on session: some PostgresSession
    ) async throws(PostgresError) -> [HorizonHold] {
        let statement = Statement(
            """
            SELECT locks.virtualtransaction, activity.pid, activity.application_name, activity.state,
                extract(epoch FROM clock_timestamp() - coalesce(activity.xact_start, prepared.prepared))::float8,
                prepared.gid
            FROM (SELECT DISTINCT virtualtransaction, pid, mode FROM pg_catalog.pg_locks
                WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND virtualtransaction = ANY($1)) AS locks
            LEFT JOIN pg_catalog.pg_stat_activity AS activity ON activity.pid = locks.pid
            LEFT JOIN pg_catalog.pg_prepared_xacts AS prepared
                ON locks.pid IS NULL AND split_part(locks.virtualtransaction, '/', 2) = prepared.transaction::text
            """)
        let rows = try await session.query(BoundStatement(statement, [writers.map(\.virtualTransaction)]))
        var holds: [HorizonHold] = []
        for row in rows {
            holds.append(
                HorizonHold(
                    processID: try row.decodeIfPresent(1), application: try row.decodeIfPresent(2),
                    state: try row.decodeIfPresent(3),
                    age: try row.decodeIfPresent(4, as: Double.self).map { .seconds($0) },
                    preparedTransaction: try row.decodeIfPresent(5)))
        }
        return holds
    }
}

/// What one look saw.
struct HorizonSnapshot: Sendable {
    /// The last position drawn, 0 if none was.
    let lastDrawn: Int64
    /// The transactions that held the lock after that.
    let writers: Set<Writer>
    /// Positions that were visible after that, ascending, from behind the horizon on.
    let visiblePositions: [Int64]
}

/// What the catalog says of the events table.
private struct Facts {
    var table: UInt32?
    var sequence: String?
    var cache: Int64 = 1
    var increment: Int64 = 1
    var cycles = false
    var isStandby = false

    init(_ name: TableName, on session: some PostgresSession) async throws(PostgresError) {
        let statement = Statement(
            """
            SELECT to_regclass($1)::oid, pg_is_in_recovery(), s.seqrelid::regclass::text,
                quote_ident(n.nspname) || '.' || quote_ident(c.relname), s.seqcache, s.seqincrement, s.seqcycle
            FROM (SELECT CASE WHEN to_regclass($1) IS NOT NULL
                THEN pg_get_serial_sequence($1, 'global_position')::regclass END AS sequence) AS found
            LEFT JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = found.sequence
            LEFT JOIN pg_catalog.pg_class AS c ON c.oid = s.seqrelid
            LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            """)
        guard let row = try await session.query(BoundStatement(statement, [name.sql])).first else { return }
        table = try row.decodeIfPresent(0)
        isStandby = try row.decode(1)
        sequence = try row.decodeIfPresent(3)
        cache = try row.decodeIfPresent(4) ?? 1
        increment = try row.decodeIfPresent(5) ?? 1
        cycles = try row.decodeIfPresent(6) ?? false
    }
}
