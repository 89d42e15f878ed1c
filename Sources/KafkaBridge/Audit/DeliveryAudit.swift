package import Consumers
package import EventSourcing
package import Kafka
package import Logging
package import Postgres

/// Audits what a consumer has delivered, step by step. Used by one task.
///
/// A step takes the events between the audited position and the lowest checkpoint, so many at most, reads on in their topics
/// from where the last step ended, and records what it has found.
package final class DeliveryAudit {
    package struct Options: Sendable {
        /// Events of one step.
        package var stepSize = 20_000
        /// A process that has made no step for so long has ended, and another one goes on.
        package var lease: Duration = .seconds(60)
        /// How long a step waits for the end of an open transaction in a topic, and for a leader that is new.
        package var patience: Duration = .seconds(10)
        /// How long a step waits for the end of an open transaction in the database.
        package var settlePatience: Duration = .seconds(10)
        /// How much earlier than an event its record may seem to be, where a topic is read for the first time.
        package var timeMargin: Duration = .seconds(600)
        /// Where the consumer sends what it cannot deliver, if anywhere.
        package var deadLetterTopic: TopicName?
        /// The consumers among which the memory is shared out.
        package var consumers = 1

        package init() {}
    }

    /// What a step has come to.
    package enum Outcome: Sendable, Equatable {
        /// The consumer was never started.
        case notStarted
        /// Another process audits it.
        case elsewhere
        /// All that was due is audited.
        case caughtUp
        /// There is more to audit.
        case behind
        /// A transaction that is open in the database keeps what follows from being settled.
        case held
    }

    package let consumer: String
    let route: Route
    private let scope: EventScope
    let client: ClientConfiguration
    let tables: TableNames
    private let owner: String
    let options: Options
    let logger: Logger
    private let table: AuditsTable
    let names: RecordNames
    private let limits: AuditState.Limits

    var state: AuditState?
    var router: Router
    var topicNumbers: [String: UInt16] = [:]
    /// Whether the last step has read the topics to their ends.
    private var hasReadAll = false
    private var progress = SegmentAdvance()

    /// - Parameter owner: this process, as other processes see it.
    /// - Throws: where the route's records do not say which events they carry.
    package init(
        consumer: String, route: Route, scope: EventScope, client: ClientConfiguration, tables: TableNames,
        owner: String,
        options: Options = Options(), logger: Logger
    ) throws(VerificationError) {
        guard route.namesEvents else { throw .unnamedEvents(consumer: consumer) }
        self.consumer = consumer
        self.route = route
        self.scope = scope
        self.client = client
        self.tables = tables
        self.owner = owner
        self.options = options
        var logger = logger
        logger[metadataKey: "consumer"] = "\(consumer)"
        self.logger = logger
        table = AuditsTable(tables)
        names = RecordNames(consumer, route: route, deadLetterTopic: options.deadLetterTopic)
        var limits = AuditState.Limits()
        let share = max(10_000, 2 * limits.recent / max(1, options.consumers))
        limits.ahead = min(limits.ahead, share)
        limits.recent = min(limits.recent, share)
        limits.aggregates = min(limits.aggregates, share)
        self.limits = limits
        router = Router(route)
    }

    /// Whether events were not found that are looked for again.
    package var hasSuspects: Bool { (state?.record.suspects.count ?? 0) > (state?.pending ?? 0) }

    /// Makes a step.
    ///
    /// - Throws: `PostgresError`, `KafkaError` or `SourceError`; the next step goes on from what is recorded.
    package func step(
        on connection: Connection, horizon: HorizonTracker, reading: AuditReading
    ) async throws -> Outcome {
        guard try await connection.query(table.lock(consumer)).first?.decode(0) == true else { return .elsewhere }
        do {
            let outcome = try await lockedStep(connection, horizon, reading)
            try await connection.query(table.unlock(consumer))
            return outcome
        } catch {
            // What was read of the step is read again.
            state = nil
            _ = try? await connection.query(table.unlock(consumer))
            throw error
        }
    }

    // MARK: A step

    private func lockedStep(
        _ connection: Connection, _ horizon: HorizonTracker, _ reading: AuditReading
    ) async throws -> Outcome {
        let record = try await table.read(consumer, for: owner, on: connection)
        if let record, let other = record.owner, other != owner, !record.isOwnerGone, record.lastStep < options.lease {
            return .elsewhere
        }
        // Before the topics are read: what is behind a checkpoint now is in its topic by then.
        let due = try await DuePositions(consumer, tables: tables, on: connection)
        let allMove = progress.note(due)
        let facts = AuditPlan.Facts(
            checkpoint: due.lowest, highest: allMove ? nil : due.highest, basis: try await basis(on: connection))
        switch AuditPlan.next(record, facts) {
        case .wait: return .notStarted
        case .begin(let position, let reason):
            return try await begin(after: position, reason, record, facts.basis, connection)
        case .proceed(let checkpoint):
            guard let record else { return .notStarted }
            load(record, facts.basis, slowest: due.lowest ?? 0)
            return try await proceed(to: checkpoint, due, allMove, facts.basis, connection, horizon, reading)
        }
    }

    private func begin(
        after position: Int64, _ reason: AuditReason, _ former: AuditRecord?, _ basis: AuditBasis,
        _ connection: Connection
    ) async throws -> Outcome {
        var record = AuditState.beginning(consumer, after: position, reason: reason, replacing: former)
        record.basis = basis
        let level: Logger.Level = reason == .first || reason == .asked ? .notice : .warning
        let past = former.map { former in
            former.position < position
                ? "; what follows position \(former.position) up to there is not audited: see `godwit verify`"
                : "; whether records before it are gone, `godwit verify` shows"
        }
        logger.log(
            level: level,
            "the audit begins behind position \(position): \(reason.text)\(level == .warning ? past ?? "" : "")")
        let save = table.save(record, owner: owner, begins: true, isCaughtUp: true)
        guard let row = try await connection.query(save).first else { return .elsewhere }
        record.epoch = try row.decode(0)
        state = nil
        load(record, basis, slowest: 0)
        return .behind
    }

    /// Makes what is recorded the state, unless this process has written it and knows more.
    private func load(_ record: AuditRecord, _ basis: AuditBasis, slowest: Int64) {
        if state?.record.epoch != record.epoch {
            state = AuditState(record, limits: limits)
            router = Router(route)
            hasReadAll = false
            for topic in Set(record.progress.keys.map(\.topic)).sorted() where !names.isDeadLetterTopic(topic) {
                if let name = try? TopicName(sanitizing: topic) { _ = router.topic(named: name) }
            }
        }
        state?.rest(on: basis, slowest: slowest)
    }

    private func proceed(
        to checkpoint: Int64, _ due: DuePositions, _ allMove: Bool, _ basis: AuditBasis, _ connection: Connection,
        _ horizon: HorizonTracker, _ reading: AuditReading
    ) async throws -> Outcome {
        guard let record = state?.record else { return .notStarted }
        let isWaiting = !record.suspects.isEmpty || !record.missing.isEmpty || !record.parked.isEmpty
        if checkpoint == record.position, hasReadAll || record.progress.isEmpty, !isWaiting {
            try await connection.query(
                table.touch(consumer, owner: owner, epoch: record.epoch, isCaughtUp: allMove))
            if record.owner == owner { return .caughtUp }
        }
        var settled = record.position
        if settled < checkpoint { settled = max(settled, try await settle(checkpoint, horizon)) }
        let (window, earliest, isFull) = try await readWindow(
            record, through: settled, standing: allMove ? nil : due, on: connection)
        let topics = try await enterPartitions(notBefore: earliest, reading)
        guard let topics, let ends = try await findEnds(reading) else {
            return try await begin(after: checkpoint, .topicsChanged, record, basis, connection)
        }
        state?.begin(window)
        let isLast = window.through == checkpoint || isFull
        var reachedEnds = try await read(to: ends, isLast: isLast, reading)
        var absences: [Int: Absence.Kind] = [:]
        if state?.absent(reachedEnds: reachedEnds).isEmpty == false {
            let open = try await waitForTransactions(&reachedEnds, reading)
            for absence in try await judge(due, topics, open, on: connection) { absences[absence.index] = absence.kind }
            let search = TimedSearch(tables: tables, names: names, partitions: state?.knownPartitions ?? [])
            if try await search.findsAny(of: missingNow(absences), on: connection, reading) {
                return try await begin(after: checkpoint, .topicsChanged, record, basis, connection)
            }
        }
        let drawn = try await horizon.lastDrawn()
        guard let findings = state?.conclude(absences, reachedEnds: reachedEnds, drawn: drawn), let now = state?.record
        else { return .notStarted }
        hasReadAll = reachedEnds
        let isCaughtUp = state?.isBehind(isLast: isLast, reachedEnds: reachedEnds) == false
        let save = table.save(now, owner: owner, begins: false, isCaughtUp: isCaughtUp && allMove)
        guard let row = try await connection.query(save).first else {
            // An operator has had it begin anew meanwhile.
            state = nil
            return .behind
        }
        state?.saved(epoch: try row.decode(0))
        try await AuditNotices(tables: tables, logger: logger).report(findings, on: connection)
        if isCaughtUp { return .caughtUp }
        return settled < checkpoint && window.through == settled ? .held : .behind
    }

    /// Waits until the horizon has come to a position, not for long.
    private func settle(_ position: Int64, _ horizon: HorizonTracker) async throws -> Int64 {
        let deadline = ContinuousClock.now + options.settlePatience
        var pause: Duration = .milliseconds(20)
        var settled = try await horizon.refresh()
        while settled < position, .now < deadline {
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(500))
            settled = try await horizon.refresh()
        }
        return min(settled, position)
    }

    private func basis(on connection: Connection) async throws -> AuditBasis {
        let recorded = try await IdentitiesTable(tables).read([consumer], on: connection).first?.identity
        let log = recorded.map { "\($0.system) \($0.table) \($0.sequence) \($0.sequenceFile)" }
        return AuditBasis(log: log ?? "", route: AuditBasis.text(route, deadLetterTopic: options.deadLetterTopic))
    }

    // MARK: Events

    /// Rows of one read.
    private static let rows = 2_000
    /// Reads of one step: a scope with few events takes many.
    private static let reads = 50

    /// - Parameter standing: how far each segment is, where one does not move: of its events, which are not due, so many are taken
    ///   along as can be looked for until they are.
    /// - Returns: the events; the time before which no record of a new one is, in milliseconds since 1970, as far as clocks agree;
    ///   and whether they end where no more of a segment that does not move can be taken.
    private func readWindow(
        _ record: AuditRecord, through: Int64, standing: DuePositions?, on connection: Connection
    ) async throws -> (AuditState.Window, earliest: Int64, isFull: Bool) {
        let events = EventsTable(tables.source)
        var window = AuditState.Window(
            ledger: DeliveryLedger(capacity: 1_024), repeated: 0, through: record.position)
        let positions = (record.suspects + record.missing + record.parked).sorted()
        for start in stride(from: 0, to: positions.count, by: Self.rows) {
            let part = Array(positions[start..<min(start + Self.rows, positions.count)])
            let batch = try events.batch(await connection.query(events.readIdentities(at: part)))
            for index in batch.indices { window.ledger.commit(DeliveryLedger.Entry(batch[index], by: &router)) }
        }
        window.repeated = window.ledger.count
        let now = CurrentTime.microseconds
        var earliest = now
        var cursor = RangeCursor(after: record.position, through: through, stretch: 100_000)
        var reads = 0
        var room = state?.roomForPending ?? 0
        while !cursor.isAtEnd, reads < Self.reads, window.ledger.count - window.repeated < options.stepSize {
            let limit = min(Self.rows, options.stepSize - (window.ledger.count - window.repeated))
            let statement = events.readIdentities(
                EventSelection(scope: scope), after: cursor.position, through: cursor.end, limit: limit)
            let batch = try events.batch(await connection.query(statement))
            for index in batch.indices where scope.wants(batch[index]) {
                if let standing, standing.judge(batch[index]) == .pending {
                    if room == 0 {
                        window.through = batch[index].globalPosition - 1
                        return (window, max(0, earliest) / 1_000, true)
                    }
                    room -= 1
                }
                window.ledger.commit(DeliveryLedger.Entry(batch[index], by: &router))
                earliest = min(earliest, RecordTime.earliest(batch[index].createdAtMicroseconds) * 1_000)
            }
            cursor.took(last: batch.last?.globalPosition, isComplete: batch.count < limit && !batch.isCut)
            reads += 1
        }
        window.through = cursor.position
        return (window, max(0, earliest) / 1_000, false)
    }
}
