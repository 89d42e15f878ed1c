import Consumers
package import EventSourcing
package import Postgres

/// The SQL of the table `delivery_audits`.
///
/// A process audits a consumer under a session advisory lock that it holds for the step. Between the steps the row names it,
/// and another process waits until no step was for so long that it must have ended. The epoch, which each write raises, shows a
/// process whether what it remembers is what the row goes on from.
package struct AuditsTable: Sendable {
    private let table: TableName
    private let workers: TableName
    private let events: String
    private let lockName: String
    private let rows: SourceRows

    package init(_ tables: TableNames) {
        table = tables.godwitTable("delivery_audits")
        workers = tables.consumerWorkers
        events = tables.events.text
        rows = SourceRows(tables)
        lockName = "godwit audit \(tables.godwitSchema) \(tables.events.text) "
    }

    private static let columns = """
        consumer_name, began_after, reason, position, log, route, topics, partitions, next_offsets, since_times, suspects,
        missing_positions, committed, delivered, missing, unproven, passed_over, parked, dead_lettered, discarded,
        not_to_be_known, doubled, disordered, misplaced, parked_positions, slowest, owner, epoch
        """

    /// One audit, or all by name; each row reads as an ``AuditRecord``.
    ///
    /// - Parameter owner: who asks; whether another owner is gone is looked at for it only, since that takes time.
    func find(_ consumer: String?, for owner: String? = nil) -> BoundStatement {
        let sql = """
            SELECT \(Self.columns), extract(epoch FROM clock_timestamp() - stepped_at)::float8 AS step_age,
                extract(epoch FROM clock_timestamp() - caught_up_at)::float8 AS caught_up_age,
                coalesce(owner <> $3 AND \(ownerIsGone), false) AS owner_is_gone
            FROM \(table.sql) WHERE events_table = $1 AND ($2::text IS NULL OR consumer_name = $2) ORDER BY consumer_name
            """
        return BoundStatement(Statement(name: "audits_find", sql: sql), [events, consumer, owner])
    }

    /// Whether an owner is no worker any more, or its session has ended. Sessions without a lock show nothing of that: their
    /// audits go on after the lease.
    private var ownerIsGone: String {
        """
        NOT EXISTS (SELECT FROM \(workers.sql) AS workers
            WHERE workers.worker_id = owner AND NOT (workers.session_lock AND \(WorkersTable.lockIsFree)))
        """
    }

    /// Reads all audits there are.
    package func all(on session: some PostgresSession) async throws(PostgresError) -> [AuditRecord] {
        var records: [AuditRecord] = []
        for row in try await session.query(find(nil)) { records.append(try AuditRecord(row)) }
        return records
    }

    func read(
        _ consumer: String, for owner: String, on session: some PostgresSession
    ) async throws(PostgresError) -> AuditRecord? {
        guard let row = try await session.query(find(consumer, for: owner)).first else { return nil }
        return try AuditRecord(row)
    }

    /// Takes the session's lock for a step; false if another session has it.
    func lock(_ consumer: String) -> BoundStatement {
        BoundStatement(Statement("SELECT pg_try_advisory_lock(hashtextextended($2 || $1, 0))"), [consumer, lockName])
    }

    func unlock(_ consumer: String) -> BoundStatement {
        BoundStatement(Statement("SELECT pg_advisory_unlock(hashtextextended($2 || $1, 0))"), [consumer, lockName])
    }

    /// Writes what a step has come to, and gives the new epoch; no row where the record is not the one that the step began
    /// from.
    ///
    /// - Parameters:
    ///   - begins: whether the audit begins anew with it.
    ///   - isCaughtUp: whether all that is due is audited.
    func save(_ record: AuditRecord, owner: String, begins: Bool, isCaughtUp: Bool) -> BoundStatement {
        let partitions = record.progress.sorted { ("\($0.key)") < ("\($1.key)") }
        let counts = record.counts
        let sql = """
            INSERT INTO \(table.sql) AS audits (events_table, consumer_name, began_after, reason, position, log, route, topics,
                partitions, next_offsets, since_times, suspects, missing_positions, committed, delivered, missing, unproven,
                passed_over, parked, dead_lettered, discarded, not_to_be_known, doubled, disordered, misplaced, owner, parked_positions,
                slowest, epoch)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
                $24, $25, $26, $30, $31, $27 + 1)
            ON CONFLICT (events_table, consumer_name) DO UPDATE SET began_after = excluded.began_after,
                reason = excluded.reason, position = excluded.position, log = excluded.log, route = excluded.route,
                topics = excluded.topics, partitions = excluded.partitions, next_offsets = excluded.next_offsets,
                since_times = excluded.since_times, suspects = excluded.suspects,
                missing_positions = excluded.missing_positions, committed = excluded.committed,
                delivered = excluded.delivered, missing = excluded.missing, unproven = excluded.unproven,
                passed_over = excluded.passed_over, parked = excluded.parked, dead_lettered = excluded.dead_lettered,
                discarded = excluded.discarded, not_to_be_known = excluded.not_to_be_known, doubled = excluded.doubled,
                disordered = excluded.disordered, misplaced = excluded.misplaced, owner = excluded.owner,
                parked_positions = excluded.parked_positions,
                slowest = excluded.slowest, epoch = excluded.epoch, stepped_at = clock_timestamp(),
                began_at = CASE WHEN $28 THEN clock_timestamp() ELSE audits.began_at END,
                caught_up_at = CASE WHEN $29 THEN clock_timestamp() ELSE audits.caught_up_at END
            WHERE audits.epoch = $27 RETURNING epoch
            """
        return BoundStatement(
            Statement(name: "audits_save", sql: sql),
            [
                events, record.consumer, record.beganAfter, record.reason.rawValue, record.position, record.basis.log,
                record.basis.route, partitions.map(\.key.topic), partitions.map(\.key.partition),
                partitions.map(\.value.next), partitions.map(\.value.since), record.suspects, record.missing,
                counts.committed, counts.delivered, counts.missing, counts.unproven, counts.passedOver, counts.parked,
                counts.deadLettered, counts.discarded, counts.unknowable, counts.doubled, counts.disordered,
                counts.misplaced, owner, record.epoch, begins, isCaughtUp,
                record.parked, record.slowest,
            ])
    }

    /// Notes a step in which nothing was due.
    func touch(_ consumer: String, owner: String, epoch: Int64, isCaughtUp: Bool) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) SET stepped_at = clock_timestamp(),
                caught_up_at = CASE WHEN $5 THEN clock_timestamp() ELSE caught_up_at END
            WHERE events_table = $1 AND consumer_name = $2 AND owner = $3 AND epoch = $4
            """
        return BoundStatement(Statement(name: "audits_touch", sql: sql), [events, consumer, owner, epoch, isCaughtUp])
    }

    /// What audits need of the log: consumer, the position up to which everything is audited, earlier ones that are looked for
    /// again.
    var needs: BoundStatement {
        let sql = """
            SELECT consumer_name, position, suspects || missing_positions || parked_positions FROM \(table.sql)
            WHERE \(rows.named)
            """
        return BoundStatement(Statement(name: "audits_needs", sql: sql))
    }

    /// Forgets an audit; the next step begins anew.
    package func end(_ consumer: String) -> BoundStatement {
        let sql = "DELETE FROM \(table.sql) WHERE consumer_name = $1 AND \(rows.named)"
        return BoundStatement(Statement(name: "audits_end", sql: sql), [consumer])
    }

    /// Lets other processes go on at once with the consumers that an owner audits.
    package func release(
        _ consumers: [String], owner: String, on session: some PostgresSession
    ) async throws(PostgresError) {
        let sql = """
            UPDATE \(table.sql) SET owner = NULL WHERE events_table = $1 AND consumer_name = ANY($2) AND owner = $3
            """
        _ = try await session.query(BoundStatement(Statement(sql), [events, consumers, owner]))
    }

    /// Forgets what was audited: the next step begins anew behind a position.
    package func reset(_ consumer: String, after position: Int64) -> BoundStatement {
        let columns = [
            "committed", "delivered", "missing", "unproven", "passed_over", "parked", "dead_lettered", "discarded",
            "not_to_be_known", "doubled", "disordered", "misplaced",
        ]
        let lists = [
            "topics", "partitions", "next_offsets", "since_times", "suspects", "missing_positions",
            "parked_positions",
        ]
        let sql = """
            INSERT INTO \(table.sql) AS audits (events_table, consumer_name, began_after, reason, position)
            VALUES ($1, $2, $3, $4, $3)
            ON CONFLICT (events_table, consumer_name) DO UPDATE SET began_after = $3, reason = $4, position = $3,
                log = '', route = '', owner = NULL, slowest = 0, epoch = audits.epoch + 1, began_at = clock_timestamp(),
                caught_up_at = clock_timestamp(), \((columns.map { "\($0) = 0" } + lists.map { "\($0) = '{}'" }).joined(separator: ", "))
            """
        return BoundStatement(Statement(sql), [events, consumer, position, AuditReason.asked.rawValue])
    }
}
