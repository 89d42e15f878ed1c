package import Consumers
package import EventSourcing
import Kafka
package import Postgres

/// Exchanges a consumer's segments for another number of them while its relays run.
///
/// Its workers give all segments back and claim none, for a time that is prolonged while the exchange is under way: if that ends
/// in the middle, they go on as before. Then one transaction puts new segments in the place of the former ones, under higher
/// epochs. They begin where the slowest of these was, and what the others had done is passed over; see ``FormerSegments``. Parked
/// events and halts go with their aggregates.
///
/// What is delivered exactly once is taken over in Kafka first, so that no former owner can commit anything more: then the progress
/// that is found there counts. If it ends between that and the transaction in the database, relays take the former segments over in
/// the same way, and go on.
package struct Resegmentation: Sendable {
    package struct Options: Sendable {
        /// How long workers may take to give everything back.
        package var patience: Duration = .seconds(30)
        /// For so long they claim nothing, unless it is prolonged.
        package var hold: Duration = .seconds(10)
        /// For workers that do not say themselves after how long they are dead.
        package var staleThreshold: Duration = .seconds(30)

        package init() {}
    }

    /// A consumer's state.
    package struct Plan: Sendable, Equatable {
        package let consumer: String
        package let from: Int
        package let to: Int
        package internal(set) var lowest: Int64 = 0
        package internal(set) var highest: Int64 = 0
        package internal(set) var liveWorkers: [String] = []
        /// Aggregates with parked events or halts, which move.
        package internal(set) var aggregates = 0
    }

    /// What was done.
    package struct Result: Sendable, Equatable {
        package let plan: Plan
        /// How long nobody owned a segment, about.
        package let pause: Duration
    }

    /// What an exchange waits for.
    package struct Waiting: Sendable, Equatable {
        package struct Worker: Sendable, Equatable {
            package let name: String
            package let lastHeartbeat: Duration
        }

        /// Those that own segments.
        package var workers: [Worker] = []
        /// Whether rows of segments are locked by another transaction.
        package var isLocked = false
        /// What was in the way in Kafka.
        package var brokers: String?
        /// For how long.
        package var time: Duration = .zero
    }

    private let tables: TableNames
    private let channel: String?
    private let options: Options
    private let table: SegmentExchangesTable
    private let handover: SegmentHandover?

    /// - Parameters:
    ///   - channel: where relays listen; else they notice with their next heartbeat.
    ///   - handover: for what is delivered exactly once.
    package init(
        _ tables: TableNames, channel: String?, options: Options = Options(), handover: SegmentHandover? = nil
    ) {
        self.tables = tables
        self.handover = handover
        self.channel = channel
        self.options = options
        table = SegmentExchangesTable(tables)
    }

    // MARK: Looking

    /// Looks whether the segments can be exchanged.
    ///
    /// - Throws: ``ResegmentationError``.
    package func plan(_ consumer: String, to total: Int, on session: some PostgresSession) async throws -> Plan {
        let rows = try await Self.segments(session.query(table.rows(consumer)))
        guard let first = rows.first else { throw ResegmentationError.unknown(consumer) }
        guard rows.allSatisfy({ $0.total == rows.count }) else {
            throw ResegmentationError.incomplete(consumer, rows: rows.count, of: first.total)
        }
        guard total != rows.count else { throw ResegmentationError.same(consumer, total) }
        if handover == nil, try await session.query(table.isExactlyOnce(consumer)).first?.decode(0) == true {
            throw ResegmentationError.exactlyOnce(consumer)
        }
        var plan = Plan(consumer: consumer, from: rows.count, to: total)
        plan.lowest = rows.map(\.checkpoint).min() ?? 0
        plan.highest = rows.map(\.checkpoint).max() ?? 0
        plan.liveWorkers = try await live(consumer, on: session)
        plan.aggregates = try await session.query(DeadLettersTable(tables).aggregateIDs(consumer)).count
        return plan
    }

    /// The live workers, all of which follow an exchange.
    private func live(_ consumer: String, on session: some PostgresSession) async throws -> [String] {
        var worker = WorkerOptions()
        worker.staleThreshold = options.staleThreshold
        let live = LiveWorkers(tables, options: worker)
        let workers = try await live.of(consumer, on: session)
        let others = try await live.notFollowing(consumer, among: workers, on: session)
        if !others.isEmpty { throw ResegmentationError.foreignWorkers(consumer, others) }
        return workers
    }

    private struct SegmentRow {
        let id: Int
        let total: Int
        let owner: String?
        let checkpoint: Int64
        let epoch: Int64

        var served: ServedSegment { ServedSegment(segment: id, checkpoint: checkpoint, epoch: epoch, attempt: 0) }
    }

    private static func segments(_ rows: ResultSet) throws(PostgresError) -> [SegmentRow] {
        var segments: [SegmentRow] = []
        for row in rows {
            segments.append(
                SegmentRow(
                    id: try row.decode(0), total: try row.decode(1), owner: try row.decodeIfPresent(2),
                    checkpoint: try row.decode(3), epoch: try row.decode(4)))
        }
        return segments
    }

    // MARK: Exchanging

    /// Exchanges the segments.
    ///
    /// - Parameter observe: told about each second what is waited for.
    /// - Throws: ``ResegmentationError``; then the consumer goes on with the segments that it had.
    package func run(
        _ consumer: String, to total: Int, by actor: String, on connection: Connection,
        observe: (Waiting) -> Void = { _ in }
    ) async throws -> Result {
        let current = try await plan(consumer, to: total, on: connection)
        let deadline = ContinuousClock.now + options.patience
        if let handover {
            try await bounded(consumer, until: deadline) { try await handover.prepare(for: max(total, current.from)) }
        }
        do {
            // A session that has locked rows of segments, such as a relay that was stopped in a transaction, keeps them for no longer than that.
            try await connection.execute(script: "SET lock_timeout = '1s'")
            try await waitForFormer(consumer, until: deadline, on: connection)
            let began = ContinuousClock.now
            var (drained, told): (ContinuousClock.Instant?, ContinuousClock.Instant) = (nil, began)
            var waiting = Waiting()
            while true {
                do {
                    if drained.map({ .now - $0 > options.hold / 4 }) ?? true {
                        try await drain(consumer, for: options.hold, by: actor, on: connection)
                        drained = .now
                    }
                    // Looked at without a lock first, which checkpoints would meet.
                    let rows = try await Self.segments(connection.query(table.rows(consumer)))
                    let owners = rows.compactMap(\.owner)
                    var isFree = owners.isEmpty
                    if !isFree { isFree = try await live(consumer, on: connection).isEmpty }
                    if isFree,
                        let plan = try await exchange(
                            rows, consumer, to: total, by: actor, until: deadline, on: connection)
                    {
                        return Result(plan: plan, pause: .now - began)
                    }
                    waiting = try await self.waiting(consumer, for: Set(owners), on: connection)
                } catch let error as PostgresError where error.sqlState == .lockNotAvailable {
                    waiting.isLocked = true
                } catch let error as KafkaError where error.isFenced || error.classification.kind == .retry {
                    // A relay has taken segments over meanwhile, or brokers are away.
                    waiting.brokers = error.description
                }
                waiting.time = .now - began
                guard ContinuousClock.now < deadline else {
                    throw ResegmentationError.notGivenBack(consumer, waiting)
                }
                if .now - told > .seconds(1) {
                    told = .now
                    observe(waiting)
                }
                try await Task.sleep(for: .milliseconds(20))
            }
        } catch {
            // In a task of its own, since this one may be cancelled. Without it workers go on after the time that was said.
            await Task { try? await drain(consumer, for: .zero, by: actor, on: connection) }.value
            throw error
        }
    }

    private func waiting(
        _ consumer: String, for owners: Set<String>, on connection: Connection
    ) async throws(PostgresError) -> Waiting {
        var waiting = Waiting()
        let heartbeats = try await LiveWorkers(tables, options: WorkerOptions()).heartbeats(
            of: consumer, on: connection)
        waiting.workers = heartbeats.filter { owners.contains($0.worker) }.map {
            Waiting.Worker(name: $0.worker, lastHeartbeat: $0.age)
        }
        return waiting
    }

    /// Segments that have not passed yet what those before had done cannot be exchanged again: which of it was done is known for
    /// one exchange only.
    private func waitForFormer(
        _ consumer: String, until deadline: ContinuousClock.Instant, on connection: Connection
    ) async throws {
        while true {
            let rows = try await Self.segments(connection.query(table.rows(consumer)))
            guard let exchange = try await table.read(consumer, on: connection),
                let slowest = rows.min(by: { $0.checkpoint < $1.checkpoint }),
                slowest.checkpoint < exchange.former.highest
            else { return }
            guard ContinuousClock.now < deadline else {
                throw ResegmentationError.behindFormer(
                    consumer, segment: slowest.id, checkpoint: slowest.checkpoint, former: exchange.former.highest)
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func drain(
        _ consumer: String, for time: Duration, by actor: String, on connection: Connection
    ) async throws(PostgresError) {
        let controls = ControlsTable(tables)
        _ = try await connection.query(controls.drain(consumer, for: time / .seconds(1), by: actor))
        if let channel { _ = try await connection.query(controls.tell(channel)) }
    }

    /// Takes the segments over in Kafka, where they are delivered exactly once, and exchanges them; `nil` while a worker owns one.
    private func exchange(
        _ rows: [SegmentRow], _ consumer: String, to total: Int, by actor: String,
        until deadline: ContinuousClock.Instant, on connection: Connection
    ) async throws -> Plan? {
        guard let handover else { return try await exchange(consumer, to: total, nil, by: actor, on: connection) }
        let segments = rows.map(\.served)
        let taken = try await bounded(
            consumer, until: deadline,
            // Where rows are locked for a moment, the next time counts.
            prolong: { try? await drain(consumer, for: options.hold, by: actor, on: connection) },
            { try await handover.take(segments, to: total) })
        guard let taken else { return nil }
        return try await exchange(consumer, to: total, (handover, taken, rows), by: actor, on: connection)
    }

    /// Gives brokers no longer than the time that there is.
    ///
    /// - Parameter prolong: has workers claim nothing meanwhile.
    private func bounded<Value: Sendable>(
        _ consumer: String, until deadline: ContinuousClock.Instant,
        prolong: (@Sendable () async -> Void)? = nil, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let began = ContinuousClock.now
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                while ContinuousClock.now < deadline {
                    try await Task.sleep(until: min(deadline, .now + options.hold / 4))
                    await prolong?()
                }
                var waiting = Waiting()
                (waiting.brokers, waiting.time) = ("no answer", .now - began)
                throw ResegmentationError.notGivenBack(consumer, waiting)
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let value = first else { throw CancellationError() }
            return value
        }
    }

    /// The one transaction; `nil` while a worker owns a segment, or if one has claimed it since it was taken over.
    private func exchange(
        _ consumer: String, to total: Int, _ taken: (SegmentHandover, ExactlyOnceExchange, rows: [SegmentRow])?,
        by actor: String, on connection: Connection
    ) async throws -> Plan? {
        try await connection.withTransaction { transaction in
            let segments = try Self.segments(try await transaction.query(table.lock(consumer)))
            // Again, under the lock: a worker of another kind may have come meanwhile.
            var plan = try await plan(consumer, to: total, on: transaction)
            // Where nobody lives, what the dead owned may be exchanged: with its epoch a claim ends.
            if segments.contains(where: { $0.owner != nil }), !plan.liveWorkers.isEmpty { return nil }
            var (former, epoch) = (
                FormerSegments(segments.map(\.checkpoint)), (segments.map(\.epoch).max() ?? 0) + 1
            )
            if let (handover, exchange, rows) = taken {
                guard segments.map(\.epoch) == rows.map(\.epoch),
                    try await isStillTaken(rows, handover, consumer, in: transaction)
                else { return nil }
                (former, epoch) = (exchange.done, exchange.epoch)
                plan.lowest = former.checkpoints.min() ?? plan.lowest
                plan.highest = former.highest
                for statement in table.exchangeOwners(consumer, to: total, epoch: epoch, lineage: exchange.lineage) {
                    try await transaction.query(statement)
                }
            }
            if let before = try await table.read(consumer, on: transaction)?.former, plan.lowest < before.highest {
                return nil
            }
            for statement in table.exchange(
                consumer, to: total, checkpoint: plan.lowest, epoch: epoch, former: former)
            {
                try await transaction.query(statement)
            }
            for row in try await transaction.query(table.takeScopes(consumer)) {
                try await transaction.query(table.insertScope(consumer, to: total, row))
            }
            try await moveLetters(consumer, to: total, in: transaction)
            let controls = ControlsTable(tables)
            try await transaction.query(controls.drain(consumer, for: 0, by: actor))
            let entry = AuditEntry(
                actor: actor, action: "resegment", subject: "consumer \(consumer)",
                details: "from \(plan.from) to \(total) segments, behind position \(plan.lowest)")
            try await transaction.query(AuditLog(tables).record(entry))
            if let channel { try await transaction.query(controls.tell(channel)) }
            return plan
        }
    }

    /// Whether nobody has taken the segments over in Kafka since, also under the same claim: a worker that others take for dead
    /// may.
    private func isStillTaken(
        _ rows: [SegmentRow], _ handover: SegmentHandover, _ consumer: String, in transaction: Transaction
    ) async throws(PostgresError) -> Bool {
        let owners = try await transaction.query(table.lockOwners(consumer))
        guard owners.count == rows.count else { return false }
        for (owner, row) in zip(owners, rows) {
            let (segment, epoch) = (try owner.decode(0, as: Int.self), try owner.decode(2, as: Int64.self))
            guard segment == row.id, epoch == row.epoch, handover.isOwner(try owner.decodeIfPresent(1)) else {
                return false
            }
        }
        return true
    }

    private func moveLetters(
        _ consumer: String, to total: Int, in transaction: Transaction
    ) async throws(PostgresError) {
        let strategy = FNV1aPartitionStrategy()
        let letters = DeadLettersTable(tables)
        var moves: [(aggregateID: String, segment: Int)] = []
        for row in try await transaction.query(letters.aggregateIDs(consumer)) {
            let id: String = try row.decode(0)
            let bytes = Array(id.utf8)
            moves.append((id, strategy.segment(of: bytes.span.bytes, totalSegments: total)))
        }
        for start in stride(from: 0, to: moves.count, by: 5_000) {
            try await transaction.query(letters.move(consumer, Array(moves[start..<min(start + 5_000, moves.count)])))
        }
    }
}
