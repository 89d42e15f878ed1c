package import EventSourcing
package import Postgres

/// The SQL behind the settled horizon: what is looked at on each read of the head, and in which order.
///
/// Made for one connection: what cannot change while it lives (system, timeline, primary or standby) is asked once.
package struct HorizonQuery: Sendable {
    /// What the connection was opened to; each look adds what may change.
    private let server: StoreIdentity
    /// The sequence's name, quoted, with its schema.
    package let sequence: String
    let events: EventsTable
    private let table: TableName
    private let touch: BoundStatement
    private let catalog: BoundStatement
    private let lastDrawn: BoundStatement
    private let writers: BoundStatement
    private let tableWriters: BoundStatement
    private let shape: SourceShape
    /// The columns' types as they were found; empty where the results show them.
    private let marks: [Int64]

    /// Finds the events table, its columns and its sequence, and refuses what breaks the horizon.
    ///
    /// - Parameter checksRights: whether the role reads the events; otherwise it only looks how they stand.
    package init(_ shape: SourceShape, checksRights: Bool = true, on connection: Connection) async throws(SourceError) {
        table = shape.table
        let survey: Survey
        do {
            let catalog = try await SourceCatalog(shape, on: connection)
            if let refusal = SourceError(shape.problems(catalog).filter { checksRights || !$0.isRight }) {
                throw refusal
            }
            marks = shape.isMapped ? catalog.marks(of: shape) : []
            self.shape = shape.with(catalog)
            events = EventsTable(self.shape)
            survey = try await Survey(shape, on: connection)
        } catch let error as SourceError {
            throw error
        } catch let error as PostgresError {
            throw SourceError(error, table: shape.table)
        } catch {
            throw SourceError(PostgresError(.cancelled, "\(error)"), table: shape.table)
        }
        guard let oid = survey.table else { throw .missingTable(shape.table) }
        guard !survey.isStandby else { throw .standby }
        guard let sequenceID = survey.sequenceID, let sequence = survey.sequence else {
            throw .missingSequence(shape.table)
        }
        self.sequence = sequence
        touch = BoundStatement(
            Statement(name: "look_touch", sql: "SELECT FROM \(shape.table.sql), \(sequence) WHERE false"))
        catalog = CatalogState.statement(shape, sequenceID: sequenceID, sequence: sequence)
        // Reads under the buffer's lock; a SELECT from the sequence may see the value that nextval logs ahead.
        lastDrawn = BoundStatement(
            Statement(name: "look_last_drawn", sql: "SELECT coalesce(pg_catalog.pg_sequence_last_value($1::oid), 0)"),
            [Int64(sequenceID)])
        writers = Self.holders(of: "= $1::oid", Int64(sequenceID), name: "look_writers")
        tableWriters = Self.holders(
            of: "= ANY (SELECT relid::oid FROM pg_catalog.pg_partition_tree($1::oid) UNION SELECT $1::oid)",
            Int64(oid), name: "table_writers")
        server = StoreIdentity(
            system: survey.system, timeline: survey.timeline, table: oid, sequence: sequenceID, sequenceFile: 0,
            partitions: [])
    }

    /// The sessions, but this one, whose transactions hold a lock that only a writer takes.
    private static func holders(of relation: String, _ id: Int64, name: String) -> BoundStatement {
        let sql = """
            SELECT DISTINCT virtualtransaction, pid IS NULL FROM pg_catalog.pg_locks
            WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted
            AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
            AND relation \(relation) AND pid IS DISTINCT FROM pg_backend_pid()
            """
        return BoundStatement(Statement(name: name, sql: sql), [id])
    }

    // MARK: A look

    /// What one look asks beside the state of the catalog.
    package struct Request: Sendable {
        /// Whether the writers are wanted: only behind a gap, because listing them scans all locks of the server.
        package var includesWriters: Bool
        /// Reads of events, after everything else was asked.
        package var reads: [BoundStatement] = []

        package init(includesWriters: Bool, reads: [BoundStatement] = []) {
            self.includesWriters = includesWriters
            self.reads = reads
        }
    }

    /// One look, in one round trip and one implicit transaction with a snapshot for each statement.
    ///
    /// The first statement names table and sequence, whose locks then hold to the end, so that no rename fits in between.
    /// Then the catalog; then the last position drawn, *then* the writers, *then* the rows: this order is what makes the
    /// horizon right. At the end the last position drawn once more: a row above it has a position of its own invention.
    ///
    /// - Throws: `SourceError`, also for what the catalog shows.
    package func refresh(_ request: Request, on connection: Connection) async throws(SourceError) -> HorizonSnapshot {
        var statements = [touch, catalog]
        if request.includesWriters { statements += [lastDrawn, writers] }
        statements += request.reads
        statements.append(lastDrawn)
        do throws(PostgresError) {
            let results = try await connection.implicitTransaction(statements)
            let state = try results[1].first.map { row throws(PostgresError) in try CatalogState(row) }
            guard let state else { throw PostgresError(.decoding, "the catalog has no row for \(table.text)") }
            var horizon: (lastDrawn: Int64, writers: Set<Writer>)?
            if request.includesWriters {
                horizon = (try results[2].first?.decode(0) ?? 0, try Self.writers(results[3]))
            }
            let reads = results.dropFirst(request.includesWriters ? 4 : 2).dropLast()
            return HorizonSnapshot(
                state: state, horizon: horizon, reads: Array(reads),
                lastDrawn: try results[results.count - 1].first?.decode(0) ?? 0)
        } catch {
            switch error.sqlState {
            case .insufficientPrivilege, .undefinedColumn, .undefinedFunction, .datatypeMismatch:
                if let refusal = await missingRight(on: connection) { throw refusal }
            default: break
            }
            throw SourceError(error, table: table)
        }
    }

    /// The first statement of a look needs the rights that the catalog, which is asked after it, would show as missing.
    private func missingRight(on connection: Connection) async -> SourceError? {
        if let catalog = try? await SourceCatalog(shape, on: connection),
            let refusal = SourceError(shape.problems(catalog))
        {
            return refusal
        }
        guard let row = try? await connection.query(catalog).first, let state = try? CatalogState(row) else {
            return nil
        }
        return state.hasSequence && !state.mayReadSequence ? .sequenceRights(sequence) : nil
    }

    /// The identity that a look has seen; refuses what breaks the horizon.
    package func identity(seen state: CatalogState) throws(SourceError) -> StoreIdentity {
        guard let oid = state.table else { throw .missingTable(table) }
        guard state.marks == marks else { throw .columnsChanged(table) }
        guard state.hasSequence else { throw .sequenceChanged(sequence) }
        guard state.isLogged else { throw .unlogged(table) }
        guard state.mayReadSequence else { throw .sequenceRights(sequence) }
        guard state.drawsFromSequence else { throw .otherDefault(table, sequence: sequence) }
        guard state.cache == 1 else { throw .cachedSequence(sequence, cache: state.cache) }
        guard state.increment == 1, !state.cycles else { throw .unusualSequence(sequence) }
        var identity = server
        identity.table = oid
        identity.sequenceFile = state.sequenceFile
        identity.partitions = state.partitions
        return identity
    }

    private static func writers(_ rows: ResultSet) throws(PostgresError) -> Set<Writer> {
        var holders: Set<Writer> = []
        for row in rows {
            holders.insert(Writer(virtualTransaction: try row.decode(0), isPrepared: try row.decode(1)))
        }
        return holders
    }

    /// Those that write to the table, whether or not they draw positions: an INSERT takes the table's lock before its
    /// snapshot, so that a writer that is not listed sees what was committed before.
    func tableWriters(on connection: Connection) async throws(PostgresError) -> Set<Writer> {
        try Self.writers(await connection.query(tableWriters))
    }

    /// The lowest position at or below a bound in one of the partitions, with the partition's name; `nil` if there is none.
    func passedEvent(
        in partitions: [Int64], through bound: Int64, on connection: Connection
    ) async throws(PostgresError) -> (partition: String, position: Int64)? {
        let names = try await connection.query(
            BoundStatement(
                Statement(
                    "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c "
                        + "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY($1::bigint[]) "
                        + "AND c.relkind = 'r'"), [partitions]))
        for row in names {
            let name: String = try row.decode(0)
            if let position = try await lowest(in: name, on: connection), position <= bound { return (name, position) }
        }
        return nil
    }

    /// The lowest position in a partition. A role that may read the table needs no right on its partitions; without one
    /// they are read through the table.
    private func lowest(in partition: String, on connection: Connection) async throws(PostgresError) -> Int64? {
        do {
            let sql = "SELECT min(\(events.position)) FROM ONLY \(partition)"
            return try await connection.query(BoundStatement(Statement(sql))).first?.decodeIfPresent(0)
        } catch {
            guard error.sqlState == .insufficientPrivilege else { throw error }
            let sql = "SELECT min(\(events.position)) FROM \(table.sql) WHERE tableoid = to_regclass($1)"
            return try await connection.query(BoundStatement(Statement(sql), [partition])).first?.decodeIfPresent(0)
        }
    }
}

/// What one look saw.
package struct HorizonSnapshot: Sendable {
    package let state: CatalogState
    /// The last position drawn, and the transactions that held the lock after that; `nil` if they were not asked for.
    package let horizon: (lastDrawn: Int64, writers: Set<Writer>)?
    /// The reads' rows, in the order they were asked for.
    package let reads: [ResultSet]
    /// The last position drawn after the reads, 0 if none was.
    package let lastDrawn: Int64
}

/// What the catalog says of the events table and its sequence at one moment.
package struct CatalogState: Sendable, Hashable {
    let table: UInt32?
    let hasSequence: Bool
    let isLogged: Bool
    let mayReadSequence: Bool
    let drawsFromSequence: Bool
    let sequenceFile: UInt32
    let cache: Int64
    let increment: Int64
    let cycles: Bool
    let partitions: [Int64]
    /// As ``SourceCatalog/marks(of:)``.
    let marks: [Int64]

    /// One row, whatever is missing.
    static func statement(_ shape: SourceShape, sequenceID: UInt32, sequence: String) -> BoundStatement {
        let marks =
            shape.isMapped ? SourceCatalog.marks(of: "$5::text[]", relation: "c.oid") : "ARRAY[]::bigint[]"
        let sql = """
            SELECT c.oid, q.oid IS NOT NULL AND to_regclass($4) = q.oid, c.relpersistence = 'p' AND q.relpersistence = 'p',
                has_sequence_privilege(q.oid, 'SELECT'), \(drawn), pg_catalog.pg_relation_filenode(q.oid),
                s.seqcache, s.seqincrement, s.seqcycle,
                CASE WHEN c.relkind = 'p' THEN ARRAY(SELECT relid::oid::bigint FROM pg_catalog.pg_partition_tree(c.oid)
                        WHERE level > 0 ORDER BY 1)
                    WHEN c.relhassubclass THEN ARRAY(SELECT inhrelid::bigint FROM pg_catalog.pg_inherits
                        WHERE inhparent = c.oid ORDER BY 1)
                    ELSE ARRAY[]::bigint[] END,
                \(marks)
            FROM (SELECT to_regclass($1)::oid AS oid) AS named
            LEFT JOIN pg_catalog.pg_class AS c ON c.oid = named.oid
            LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = $2 AND NOT a.attisdropped
            LEFT JOIN pg_catalog.pg_class AS q ON q.oid = $3::oid AND q.relkind = 'S'
            LEFT JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = q.oid
            """
        return BoundStatement(
            Statement(name: "look_catalog", sql: sql),
            [shape.table.sql, shape.position, Int64(sequenceID), sequence] + (shape.isMapped ? [shape.columnNames] : [])
        )
    }

    /// Whether column `a` of table `c` draws its default from sequence `q`: an identity column, or a default that depends
    /// on the sequence.
    private static let drawn = """
        coalesce(EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_catalog.pg_class'::regclass
                AND d.objid = q.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid
                AND d.refobjsubid = a.attnum AND d.deptype = 'i')
            OR EXISTS (SELECT FROM pg_catalog.pg_attrdef AS f JOIN pg_catalog.pg_depend AS d
                ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = f.oid
                AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = q.oid
                WHERE f.adrelid = c.oid AND f.adnum = a.attnum), false)
        """

    init(_ row: Row) throws(PostgresError) {
        table = try row.decodeIfPresent(0)
        hasSequence = try row.decodeIfPresent(1) ?? false
        isLogged = try row.decodeIfPresent(2) ?? false
        mayReadSequence = try row.decodeIfPresent(3) ?? false
        drawsFromSequence = try row.decodeIfPresent(4) ?? false
        sequenceFile = try row.decodeIfPresent(5) ?? 0
        cache = try row.decodeIfPresent(6) ?? 1
        increment = try row.decodeIfPresent(7) ?? 1
        cycles = try row.decodeIfPresent(8) ?? false
        partitions = try row.decodeIfPresent(9) ?? []
        marks = try row.decodeIfPresent(10) ?? []
    }
}

/// What is asked once for a connection.
private struct Survey {
    var table: UInt32?
    var sequenceID: UInt32?
    var sequence: String?
    var isStandby = false
    var system = ""
    var timeline = ""

    init(_ shape: SourceShape, on connection: Connection) async throws(PostgresError) {
        let sql = """
            SELECT named.oid, pg_is_in_recovery(), (SELECT system_identifier::text FROM pg_catalog.pg_control_system()),
                CASE WHEN NOT pg_is_in_recovery()
                    THEN left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8) END,
                q.oid, CASE WHEN q.oid IS NOT NULL THEN format('%I.%I', n.nspname, q.relname) END
            FROM (SELECT to_regclass($1)::oid AS oid) AS named
            LEFT JOIN pg_catalog.pg_attribute AS a
                ON a.attrelid = named.oid AND a.attname = $2 AND NOT a.attisdropped
            LEFT JOIN pg_catalog.pg_class AS q ON q.relkind = 'S' AND q.oid IN (
                SELECT d.objid FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_catalog.pg_class'::regclass
                    AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = named.oid
                    AND d.refobjsubid = a.attnum AND d.deptype = 'i'
                UNION ALL
                SELECT d.refobjid FROM pg_catalog.pg_attrdef AS f JOIN pg_catalog.pg_depend AS d
                    ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = f.oid
                    AND d.refclassid = 'pg_catalog.pg_class'::regclass
                    WHERE f.adrelid = named.oid AND f.adnum = a.attnum)
            LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = q.relnamespace
            """
        let statement = BoundStatement(Statement(sql), [shape.table.sql, shape.position])
        guard let row = try await connection.query(statement).first else { return }
        table = try row.decodeIfPresent(0)
        isStandby = try row.decode(1)
        system = try row.decodeIfPresent(2) ?? ""
        timeline = try row.decodeIfPresent(3) ?? ""
        sequenceID = try row.decodeIfPresent(4)
        sequence = sequenceID == nil ? nil : try row.decodeIfPresent(5)
    }
}
