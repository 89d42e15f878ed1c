package import Consumers
package import EventSourcing
package import Logging
package import Postgres

/// Removes what an outbox's consumers have delivered, in short transactions, as ``RetentionPlan`` decides in each of them.
package struct Pruner: Sendable {
    package struct Options: Sendable {
        /// How long rows are kept once they are delivered.
        package var deliveredFor: Duration
        /// Rows a second at most.
        package var rate: Int
        /// Rows of one transaction at most.
        package var batch = 1_000
        /// How long a transaction may wait for locks of others, who wait behind it meanwhile.
        package var lockTimeout: Duration = .milliseconds(500)
        /// How long one statement may take.
        package var statementTimeout: Duration = .seconds(10)

        package init(deliveredFor: Duration, rate: Int) {
            self.deliveredFor = deliveredFor
            self.rate = rate
        }
    }

    /// What a pass has come to, or would.
    package struct Report: Sendable {
        /// As of the last transaction.
        package var plan: RetentionPlan
        /// What keeps rows that are there and, but for it, old enough; `nil` where only their age does.
        package var hold: RetentionPlan.Hold?
        /// Everything up to here is delivered by all consumers.
        package var delivered: Int64?
        /// How long the history of what was delivered reaches back.
        package var reach: Duration
        package var rows: Int64 = 0
        /// Whether there are more rows than were counted.
        package var isCut = false
        /// Who reads rows and keeps them from being removed, by the processes at the server.
        package var readers: [String] = []
        /// Whether everything that may go was gone through.
        var isComplete = false
        /// What was removed until now, by all passes.
        package var record: PruningRecord?
        /// What may keep rows from being removed.
        package var guards = RowGuards()
    }

    package enum Outcome: Sendable {
        /// Another process removes rows of the source.
        case elsewhere
        case looked(Report)
    }

    private let tables: TableNames
    private let options: Options
    private let logger: Logger
    private let events: EventsTable
    private let prunings: PruningsTable
    private let lock: RetentionLock

    package init(_ tables: TableNames, options: Options, logger: Logger) {
        self.tables = tables
        self.options = options
        self.logger = logger
        events = EventsTable(tables.source)
        prunings = PruningsTable(tables)
        lock = RetentionLock(tables)
    }

    // MARK: Looking

    /// Says what would be removed, without a change.
    ///
    /// - Parameter limit: so many rows are counted.
    package func examine(on connection: Connection, limit: Int = 1_000_000) async throws -> Report {
        try await connection.execute(script: EventsTable.readingSettings)
        _ = try await proof(on: connection)
        var report = try await Self.steadily { try await look(on: connection) }
        let statement = events.removable(
            after: 0, through: report.plan.through, keeping: report.plan.kept, limit: limit)
        report.rows = try await connection.query(statement).first?.decode(0) ?? 0
        report.isCut = report.rows == Int64(limit)
        report.hold = try await hold(report.plan, on: connection)
        report.record = try await prunings.read(on: connection)
        report.guards = try await RowGuards.read(tables, on: connection)
        return report
    }

    /// Again where another schema of Godwit's tables was dropped while it was looked into.
    private static func steadily<Value>(_ body: () async throws -> Value) async throws -> Value {
        var failures = 0
        while true {
            do {
                return try await body()
            } catch let error as PostgresError where error.sqlState == .undefinedTable && failures < attempts {
                failures += 1
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    private func look(on session: some PostgresSession) async throws(PostgresError) -> Report {
        var facts = try await RetentionFacts.read(tables, on: session)
        facts.others = try await OtherSchemas(tables).read(on: session)
        let history = try await history(on: session)
        // A sample that is newer than where consumers are now, since they were set back, is no proof any more.
        let plan = RetentionPlan(facts, longEnough: history.longEnough)
        return Report(plan: plan, delivered: RetentionPlan.delivered(facts), reach: history.reach)
    }

    /// A consumer that has delivered everything holds nothing.
    private func hold(
        _ plan: RetentionPlan, on connection: Connection
    ) async throws(PostgresError) -> RetentionPlan.Hold? {
        guard let hold = plan.holder, case .consumer = hold.holder else { return plan.holder }
        let next = try await connection.query(events.firstPosition(after: hold.position, through: .max))
        return next.isEmpty ? nil : hold
    }

    private func history(on session: some PostgresSession) async throws(PostgresError) -> DeliveredHistory {
        var samples: [DeliveredHistory.Sample] = []
        for row in try await session.query(prunings.samples) {
            samples.append(
                DeliveredHistory.Sample(
                    position: try row.decode(0), age: .seconds(try row.decode(1, as: Double.self))))
        }
        return DeliveredHistory(samples, period: options.deliveredFor)
    }

    /// Notes up to where everything is delivered at this moment.
    private func sample(on connection: Connection) async throws(PostgresError) {
        let facts = try await RetentionFacts.read(tables, on: connection)
        // Where nothing says how far consumers are, what was delivered before counts anew.
        let delivered = RetentionPlan.delivered(facts) ?? 0
        var history = try await history(on: connection)
        let change = history.note(delivered)
        var statements: [BoundStatement] = []
        if !change.dropped.isEmpty { statements.append(prunings.dropSamples(change.dropped)) }
        if let added = change.added { statements.append(prunings.sample(added)) }
        if !statements.isEmpty { _ = try await connection.pipeline(statements) }
    }

    /// - Throws: `SourceError` where the log is not the one that consumers have passed.
    private func proof(on connection: Connection) async throws -> SourceProof {
        let facts = try await RetentionFacts.read(tables, on: connection)
        return try await SourceProof(tables, facts.consumers.map(\.name), on: connection)
    }

    // MARK: Removing

    /// Removes what may go, until nothing is left or it is to stop.
    ///
    /// - Parameter observe: told after each transaction how many rows went.
    package func run(
        on connection: Connection, isStopping: @escaping @Sendable () -> Bool = { false },
        observe: (Int64) -> Void = { _ in }
    ) async throws -> Outcome {
        guard try await connection.query(lock.tryProcess).first?.decode(0) == true else { return .elsewhere }
        do {
            try await connection.execute(script: EventsTable.readingSettings)
            // Also where nothing more can be removed.
            let elsewhere = try await OtherSchemas(tables).removed(on: connection)
            try await connection.query(RegistrationsTable(tables).noteMissed(nil, elsewhere: elsewhere))
            _ = try await proof(on: connection)
            try await sample(on: connection)
            var report = try await removeAll(on: connection, isStopping, observe)
            report.hold = try await hold(report.plan, on: connection)
            let hold = report.hold
            try await connection.query(
                prunings.looked(
                    heldAt: hold?.position, by: hold?.description ?? "",
                    kept: report.isComplete ? report.plan.kept.count : nil))
            report.record = try await prunings.read(on: connection)
            try await connection.query(lock.leaveProcess)
            return .looked(report)
        } catch {
            if !Task.isCancelled { await note(error, on: connection) }
            _ = try? await connection.query(lock.leaveProcess)
            throw error
        }
    }

    /// Has `status` say what keeps rows, also where no process of this configuration runs.
    private func note(_ error: any Error, on connection: Connection) async {
        guard let through = try? await prunings.read(on: connection)?.through ?? 0 else { return }
        _ = try? await connection.query(prunings.looked(heldAt: through, by: "\(error)", kept: nil))
    }

    private func removeAll(
        on connection: Connection, _ isStopping: () -> Bool, _ observe: (Int64) -> Void
    ) async throws -> Report {
        var report = try await Self.steadily { try await look(on: connection) }
        let guards = try await RowGuards.read(tables, on: connection)
        // From the beginning only where rows were kept there: what others still see of removed rows is stepped over each time.
        let beginning: Int64? = try await connection.query(prunings.beginning).first?.decode(0)
        var (cursor, batch, failures) = (beginning ?? 0, min(options.batch, max(10, options.rate / 2)), 0)
        while !isStopping(), !Task.isCancelled {
            let began = ContinuousClock.now
            let step: Step?
            do {
                let proof = try await proof(on: connection)
                step = try await remove(after: cursor, batch: batch, proof, guards, on: connection)
                failures = 0
            } catch let error as PostgresError
                where error.sqlState == .lockNotAvailable || error.sqlState == .queryCanceled
                || error.sqlState == .undefinedTable
            {
                // Others hold rows or the table, or rows are large: less at a time, and not for ever.
                failures += 1
                guard failures < Self.attempts, !Task.isCancelled else { throw error }
                batch = max(1, batch / 4)
                try await Task.sleep(for: .milliseconds(200))
                continue
            }
            guard let step else {
                report.readers = try await connection.query(lock.holders).map { row in
                    let application: String = try row.decode(1)
                    return
                        "process \(try row.decode(0, as: Int32.self))\(application.isEmpty ? "" : " (\(application))")"
                }
                break
            }
            (report.plan, report.delivered, report.reach) = (step.look.plan, step.look.delivered, step.look.reach)
            guard let end = step.end else {
                report.isComplete = true
                break
            }
            cursor = end
            report.rows += step.rows
            if step.rows > 0 {
                observe(step.rows)
                let pause = began + .seconds(Double(step.rows) / Double(max(1, options.rate))) - .now
                if pause > .zero { try? await Task.sleep(for: pause) }
            }
        }
        return report
    }

    /// Attempts in a row that locks or time keep from removing anything.
    private static let attempts = 5

    private struct Step {
        let look: Report
        /// Everything up to here was gone through; `nil` at the end.
        let end: Int64?
        let rows: Int64
    }

    /// One transaction: looks what may go now, and removes the next rows of it. `nil` where another session reads rows.
    private func remove(
        after cursor: Int64, batch: Int, _ proof: SourceProof, _ guards: RowGuards, on connection: Connection
    ) async throws -> Step? {
        let limits = BoundStatement(
            Statement("SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true)"),
            [
                "\(options.lockTimeout / .milliseconds(1))ms", "\(options.statementTimeout / .milliseconds(1))ms",
            ])
        return try await connection.withTransaction { transaction in
            try await transaction.query(limits)
            // First, since the lock is that of the table that has the name.
            guard try await proof.holds(in: transaction) else {
                throw SourceError.notAccepted(
                    "\(tables.events.text) was changed while rows of it were removed: nothing more is")
            }
            guard try await transaction.query(lock.tryAlone).first?.decode(0) == true else { return nil }
            let look = try await look(on: transaction)
            let through = look.plan.through
            let first: Int64? = try await transaction.query(
                events.firstPosition(after: cursor, through: through)
            ).first?.decode(0)
            guard let first else { return Step(look: look, end: nil, rows: 0) }
            let end: Int64 =
                try await transaction.query(events.lastPosition(ofNext: batch, after: cursor, through: through))
                .first?.decode(0) ?? through
            let kept = look.plan.kept.filter { (first...end).contains($0) }
            let rows = try await delete(after: cursor, through: end, keeping: kept, guards, in: transaction)
            if rows > 0 {
                try await transaction.query(
                    prunings.removed(through: end, rows: Int64(rows), kept: look.plan.kept.count))
            }
            return Step(look: look, end: end, rows: Int64(rows))
        }
    }

    /// - Throws: ``RemovalError`` where rows stay.
    private func delete(
        after cursor: Int64, through end: Int64, keeping kept: [Int64], _ guards: RowGuards, in transaction: Transaction
    ) async throws -> Int {
        let name = tables.events.text
        let rows: Int
        do throws(PostgresError) {
            rows = try await transaction.query(events.remove(after: cursor, through: end, keeping: kept)).affectedRows
        } catch {
            switch error.sqlState {
            case .foreignKeyViolation?, .restrictViolation?: throw RemovalError.referenced(name, by: guards.references)
            case .raiseException?: throw RemovalError.refused(name, by: guards.triggers, message: error.message)
            default: throw error
            }
        }
        // A trigger may have kept some, which are not to count as removed.
        let left = events.firstLeft(after: cursor, through: end, keeping: kept)
        if let position: Int64 = try await transaction.query(left).first?.decode(0) {
            throw RemovalError.kept(name, position: position, by: guards.triggers)
        }
        return rows
    }
}
