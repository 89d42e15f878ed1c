import EventSourcing
import Logging
import Postgres
import Synchronization

/// Handles each segment's events in transactions of their own, the segments beside one another.
///
/// Every segment has a lane: a queue worked off by one task, so that its events keep their order. A transaction holds
/// the segment's events of one batch and moves its checkpoint; if the segment is no longer owned under its epoch, that
/// shows there, and the transaction is rolled back.
final class TransactionalSink: BatchSink {
    private struct Work: Sendable {
        let batch: FeedBatch
        let claim: SegmentClaim
        /// The indices of the segment's events; empty where it has none in this batch.
        let indices: [Int]
        let share: ByteBudget.Share
    }

    private struct Lane {
        var queue: [Work] = []
        var isRunning = false
    }

    private let consumer: any Consumer
    private let pool: ConnectionPool
    private let table: SegmentsTable
    private let events: EventsTable
    private let owner: String
    private let state: ServingState
    private let options: WorkerOptions
    private let lanes = Mutex<[Int: Lane]>([:])
    private let underWay = UnderWay()
    private let starts = AsyncStream.makeStream(of: Int.self)

    init(
        _ consumer: any Consumer, pool: ConnectionPool, tables: TableNames, owner: String, state: ServingState,
        options: WorkerOptions
    ) {
        self.consumer = consumer
        self.pool = pool
        self.table = SegmentsTable(tables)
        self.events = EventsTable(tables.source)
        self.owner = owner
        self.state = state
        self.options = options
    }

    /// Runs a task for every lane that has something to do.
    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for await segment in starts.stream {
                group.addTask {
                    do {
                        try await self.work(off: segment)
                    } catch {
                        // A failed child does not end the group's own loop.
                        self.starts.continuation.finish()
                        throw error
                    }
                }
            }
        }
    }

    let isExternal = false
    let memoryPerEvent = 0

    func serve(_ segments: [ServedSegment]) {}

    func take(_ batch: FeedBatch, share: ByteBudget.Share, claims: [SegmentClaim]) {
        var indices: [Int: [Int]] = [:]
        for selected in batch.selection { indices[selected.segment, default: []].append(selected.index) }
        state.withLedger { $0.handOver(claims, through: batch.through) }
        for claim in claims {
            let work = Work(batch: batch, claim: claim, indices: indices[claim.segment] ?? [], share: share)
            underWay.begin()
            let starts = lanes.withLock { lanes in
                var lane = lanes[claim.segment] ?? Lane()
                let starts = !lane.isRunning
                lane.queue.append(work)
                lane.isRunning = true
                lanes[claim.segment] = lane
                return starts
            }
            if starts { self.starts.continuation.yield(claim.segment) }
        }
    }

    func settle(finishing: Bool) async throws {
        if !finishing {
            let dropped = lanes.withLock { lanes in
                lanes.keys.reduce(into: 0) { count, segment in
                    count += lanes[segment]?.queue.count ?? 0
                    lanes[segment]?.queue = []
                }
            }
            for _ in 0..<dropped { underWay.end() }
        }
        try await underWay.waitForNone()
        state.withLedger { $0.takeBack() }
    }

    // MARK: A lane

    private func work(off segment: Int) async throws {
        while let work = next(of: segment) {
            try await workOff(work)
            underWay.end()
        }
    }

    private func next(of segment: Int) -> Work? {
        lanes.withLock { lanes in
            guard let queue = lanes[segment]?.queue, !queue.isEmpty else {
                lanes[segment]?.isRunning = false
                return nil
            }
            return lanes[segment]?.queue.removeFirst()
        }
    }

    /// Handles the events and moves the checkpoint, over and over while the database is away or has others in the way.
    private func workOff(_ work: Work) async throws {
        var retry = DatabaseRetry(
            initial: options.transientRetryInterval, maximum: options.maxTransientRetryInterval)
        var portions = Portions(count: work.indices.count)
        while state.withLedger({ $0.takes(work.claim) }) {
            guard let portion = portions.next else {
                state.processed(work.batch, first: work.indices.first)
                return state.finish([work.claim], through: work.batch.through, events: 0)
            }
            do {
                try await handle(work, work.indices[portion])
                portions.handled()
                retry.succeeded()
            } catch is SegmentLost {
                return state.ownershipSuspect.wake()
            } catch is CommitsLost {
                return state.restart()
            } catch let failed as PortionFailed {
                guard let event = portions.failed(at: failed.event) else { continue }
                return halt(work, at: work.indices[event], failed.underlying)
            } catch {
                options.logger.debug(
                    "trying a batch again: \(error)",
                    metadata: ["consumer": "\(consumer.name)", "segment": "\(work.claim.segment)"])
                // The heartbeat says that the database is away, and two transactions that meet need no word.
                if let trouble = error.postgresError, trouble.classification.kind != .away, !trouble.isTransient {
                    state.wait(work.claim, for: "\(trouble)")
                }
                if options.runMode == .oneOff, !error.isDatabaseAway { throw error }
                try await retry.pause(after: error)
            }
        }
    }

    /// Handles events in a transaction that moves the checkpoint up to the last of them.
    private func handle(_ work: Work, _ indices: ArraySlice<Int>) async throws {
        guard let index = indices.last, let last = work.batch.reference(to: index) else { return }
        // What lies behind the last event follows once nothing is in the way; see ``CheckpointWriter``.
        let move = CheckpointMove(
            segment: work.claim.segment, epoch: work.claim.epoch, position: min(work.batch.through, last.position))
        do {
            try await pool.withTransaction { transaction in
                try await self.handle(work, indices, in: transaction)
                let advance = self.table.advance(self.consumer.name, owner: self.owner, move, where: last)
                if try await transaction.query(advance).affectedRows == 1 { return }
                let isOwned = self.table.isOwned(self.consumer.name, owner: self.owner, move)
                guard try await transaction.query(isOwned).first?.decode(0) == true else { throw SegmentLost() }
                let isKnown = self.events.holds(last)
                guard try await transaction.query(isKnown).first?.decode(0) == true else { throw CommitsLost() }
                throw CommittedBefore()
            }
        } catch is CommittedBefore {
        } catch let error as PostgresError where error.isOfTransaction {
            // The consumer hid a statement's failure, or a deferred constraint failed at the commit.
            throw PortionFailed(event: nil, underlying: error)
        }
        state.withLedger { $0.wrote([move]) }
        state.finish([work.claim], through: move.position, events: indices.count)
    }

    private func handle(_ work: Work, _ indices: ArraySlice<Int>, in transaction: Transaction) async throws {
        guard let events = work.batch.events else { return }
        if let consumer = consumer as? any BatchConsumer {
            let batch = indices.map { events[$0].event }
            return try await consumersOwn(nil) { try await consumer.handle(batch, in: transaction) }
        }
        for (offset, index) in indices.enumerated() {
            try await consumersOwn(indices.startIndex + offset) {
                try await consumer.handle(events[index].event, in: transaction)
            }
        }
    }

    /// Does the consumer's own work, and distinguishes its errors from those that pass by themselves.
    private func consumersOwn(_ event: Int?, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch {
            try Task.checkCancellation()
            // The same work may succeed with another connection, or once the server can again.
            if let error = error.postgresError, error.isTransient || error.isOfServer { throw error }
            throw PortionFailed(event: event, underlying: error)
        }
    }

    private func halt(_ work: Work, at index: Int, _ underlying: any Error) {
        guard let event = work.batch.events?[index].event else { return }
        let failure = ConsumerFailure(consumer.name, event, segment: work.claim.segment, underlying)
        state.fail(work.claim, failure)
    }
}

/// The consumer could not handle one of the events of a portion; its transaction is rolled back.
private struct PortionFailed: Error {
    /// Which event, by its place among the segment's events of the batch; `nil` if that is not known.
    let event: Int?
    let underlying: any Error
}

extension PostgresError {
    /// Whether the server or the connection is the reason, whatever was asked. A lock that another session holds and a
    /// statement that takes too long may be the statement's own fault.
    fileprivate var isOfServer: Bool {
        let kind = classification.kind
        return kind == .away || kind == .recovering || (sqlState.map { ["53", "58"].contains($0.errorClass) } ?? false)
    }

    /// Whether what was done in the transaction is the reason, rather than the connection or the server.
    fileprivate var isOfTransaction: Bool {
        if classification.passes { return false }
        return code == .rolledBack || code == .statement
    }
}

/// The segment is another worker's by now; the transaction is rolled back.
private struct SegmentLost: Error {}

/// The database does not have the events any more that are to be handled: it crashed and lost them, or they were deleted.
private struct CommitsLost: Error {}

/// The commit whose answer was lost had taken effect; doing it again is rolled back.
private struct CommittedBefore: Error {}
