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
        var backoff = Backoff(initial: options.transientRetryInterval, maximum: options.maxTransientRetryInterval)
        while state.withLedger({ $0.holds(work.claim) }) {
            do {
                if !work.indices.isEmpty { try await handle(work) }
                state.processed(work.batch, first: work.indices.first)
                return state.finish([work.claim], through: work.batch.through, events: work.indices.count)
            } catch is SegmentLost {
                return state.ownershipSuspect.wake()
            } catch is CommitsLost {
                return state.restart()
            } catch {
                try Task.checkCancellation()
                guard error.isDatabaseAway else { throw error }
                options.logger.debug(
                    "trying a batch again: \(error)",
                    metadata: ["consumer": "\(consumer.name)", "segment": "\(work.claim.segment)"])
                try await Task.sleep(for: backoff.next())
            }
        }
    }

    private func handle(_ work: Work) async throws {
        guard let index = work.indices.last, let last = work.batch.reference(to: index) else { return }
        // What lies behind the last event follows once nothing is in the way; see ``CheckpointWriter``.
        let move = CheckpointMove(
            segment: work.claim.segment, epoch: work.claim.epoch, position: min(work.batch.through, last.position))
        do {
            try await pool.withTransaction { transaction in
                try await self.handle(work, in: transaction)
                let advance = self.table.advance(self.consumer.name, owner: self.owner, move, where: last)
                if try await transaction.query(advance).affectedRows == 1 { return }
                let isOwned = self.table.isOwned(self.consumer.name, owner: self.owner, move)
                guard try await transaction.query(isOwned).first?.decode(0) == true else { throw SegmentLost() }
                let isKnown = self.events.holds(last)
                guard try await transaction.query(isKnown).first?.decode(0) == true else { throw CommitsLost() }
                throw CommittedBefore()
            }
        } catch is CommittedBefore {}
        state.withLedger { $0.wrote([move]) }
    }

    private func handle(_ work: Work, in transaction: Transaction) async throws {
        guard let events = work.batch.events else { return }
        for index in work.indices {
            let event = events[index].event
            do {
                try await consumer.handle(event, in: transaction)
            } catch {
                try Task.checkCancellation()
                if let error = error.postgresError, error.isTransient || error.isConnectionFailure { throw error }
                throw ConsumerFailure(
                    consumer: consumer.name, segment: work.claim.segment, position: event.globalPosition,
                    eventID: event.eventID, eventType: event.eventType, underlying: error)
            }
        }
    }
}

/// The segment is another worker's by now; the transaction is rolled back.
private struct SegmentLost: Error {}

/// The database does not have the events any more that are to be handled: it crashed and lost them, or they were deleted.
private struct CommitsLost: Error {}

/// The commit whose answer was lost had taken effect; doing it again is rolled back.
private struct CommittedBefore: Error {}
