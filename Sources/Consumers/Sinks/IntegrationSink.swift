import EventSourcing
import Postgres
import Synchronization

/// Hands batches to an integration consumer, several under way at a time, and notes what is acknowledged in order.
final class IntegrationSink: BatchSink {
    private struct Handed: Sendable {
        let batch: FeedBatch
        let claims: [SegmentClaim]
        let share: ByteBudget.Share
    }

    private struct Pending: Sendable {
        let publication: Publication
        let batch: FeedBatch
        let handed: Handed
        var failures: [Failure] = []
    }

    /// An event that the consumer could not publish, where it was published by itself.
    private struct Failure: Sendable {
        let claim: SegmentClaim
        let index: Int
        let error: any Error
    }

    private enum Work: Sendable {
        case serve([ServedSegment])
        case publish(Handed)
        /// The lease may have ended.
        case lookAtLease
        /// Wakes a caller once everything before it was taken up.
        case reached(WakeSignal)
    }

    private let consumer: any IntegrationConsumer
    private let sized: (any SizedConsumer)?
    private let state: ServingState
    private let underWay = UnderWay()
    // Bounded by the bytes in flight, a share of which comes with each batch that has events.
    private let work = AsyncStream.makeStream(of: Work.self)
    private let pending = Mutex(PendingBatches<Pending>())
    /// One element for each pending batch.
    private let arrivals = AsyncStream.makeStream(of: Void.self)

    init(_ consumer: any IntegrationConsumer, state: ServingState) {
        self.consumer = consumer
        sized = consumer as? any SizedConsumer
        self.state = state
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.publish() }
            group.addTask { try await self.acknowledge() }
            group.addTask { try await self.watchLease() }
            group.addTask { try await self.attend() }
            defer { group.cancelAll() }
            // Only the consumer's own work may end.
            while try await group.next() != nil {}
        }
    }

    /// Has the consumer do what it does beside the batches.
    private func attend() async throws {
        guard let consumer = consumer as? any EndingConsumer else {
            return try await consumer.run { self.state.retry($0) }
        }
        try await consumer.run {
            self.state.retry($0)
        } rejoin: {
            self.state.doubtLease()
            self.work.continuation.yield(.lookAtLease)
        } admit: {
            try await self.state.admit($0)
        }
    }

    func willRelease(_ segments: Set<Int>) async {
        await (consumer as? any EndingConsumer)?.willRelease(segments)
    }

    func wroteCheckpoints(_ checkpoints: [Int: Int64]) async {
        await (consumer as? any EndingConsumer)?.wroteCheckpoints(checkpoints)
    }

    var lastRecorded: BoundStatement? {
        get async { await (consumer as? any EndingConsumer)?.lastRecorded }
    }

    let isExternal = true

    var memoryPerEvent: Int { consumer.memoryPerEvent }

    func memory(of batch: FeedBatch) -> Int {
        sized?.memory(of: batch) ?? batch.selection.count * consumer.memoryPerEvent
    }

    var largestPayload: Int { sized?.largestPayload ?? .max }

    func serve(_ segments: [ServedSegment]) {
        work.continuation.yield(.serve(segments))
    }

    func take(_ batch: FeedBatch, share: ByteBudget.Share, claims: [SegmentClaim]) {
        // No suspension: a batch counts as handed over exactly if it is.
        underWay.begin()
        state.withLedger { $0.handOver(claims, through: batch.through) }
        work.continuation.yield(.publish(Handed(batch: batch, claims: claims, share: share)))
    }

    func settle(finishing: Bool) async throws {
        try await underWay.waitForNone()
        guard finishing, let consumer = consumer as? any EndingConsumer else { return }
        // It may not know yet whom it serves.
        let reached = WakeSignal()
        work.continuation.yield(.reached(reached))
        while await !reached.wait(atMost: .seconds(60)) { try Task.checkCancellation() }
        try await consumer.finish()
    }

    private func publish() async throws {
        // Those whose events must not overtake one that failed.
        var failed: Set<SegmentClaim> = []
        for await work in work.stream {
            try await withdrawIfLeaseEnded()
            switch work {
            case .lookAtLease: break
            case .reached(let signal): signal.wake()
            case .serve(let segments):
                failed = failed.filter { claim in
                    segments.contains {
                        $0.segment == claim.segment && $0.epoch == claim.epoch && $0.attempt == claim.attempt
                    }
                }
                // Otherwise they are asked for and served again.
                if state.holdsLease { try await serve(segments) }
            case .publish(let handed):
                let batch = stillToPublish(handed, failed)
                if batch.selection.isEmpty, follows(handed) { continue }
                let pending = try await publish(batch, handed)
                failed.formUnion(pending.failures.map(\.claim))
                self.pending.withLock { $0.append(pending) }
                arrivals.continuation.yield()
            }
        }
    }

    // MARK: The lease

    /// Looks when the lease ends, also while no batch comes: the consumer may keep some that it has not carried out yet.
    private func watchLease() async throws {
        var ended: ContinuousClock.Instant?
        while true {
            if let end = state.leaseEnd, end != ended {
                try await Task.sleep(until: end, clock: .continuous)
                // It may have been prolonged meanwhile.
                if state.leaseEnd == end {
                    ended = end
                    work.continuation.yield(.lookAtLease)
                }
            } else {
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    /// Has the consumer give up what it has not carried out, once the lease has ended: others may own the segments from now
    /// on. What was handed over counts as not done from before the consumer learns of it, since it answers for what it gives
    /// up as if that were done.
    private func withdrawIfLeaseEnded() async throws {
        if state.withdraw() { try await consumer.serve([]) }
    }

    /// Has the consumer serve the segments; not beyond the lease, where that waits for others.
    private func serve(_ segments: [ServedSegment]) async throws {
        let isServing = try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await self.consumer.serve(segments)
                return true
            }
            group.addTask {
                while self.state.holdsLease {
                    let end = self.state.leaseEnd ?? .now
                    try await Task.sleep(until: max(end, .now + .milliseconds(5)), clock: .continuous)
                }
                return false
            }
            defer { group.cancelAll() }
            return try await group.next() ?? true
        }
        if !isServing { try await withdrawIfLeaseEnded() }
    }

    /// Whether a batch without events is done together with the one before it, which is still pending.
    private func follows(_ handed: Handed) -> Bool {
        let isMerged = pending.withLock { $0.follow(handed.claims, through: handed.batch.through) }
        // The one before it is still under way.
        if isMerged { underWay.end() }
        return isMerged
    }

    /// Publishes the batch; one event after another where it fails as a whole, or did so before, so that the event that is
    /// in the way is found, and no other waits for it.
    private func publish(_ batch: FeedBatch, _ handed: Handed) async throws -> Pending {
        if batch.selection.isEmpty { return Pending(publication: .acknowledged, batch: batch, handed: handed) }
        if !state.isFailing(in: Set(batch.selection.map(\.segment))) {
            do {
                return Pending(publication: try await consumer.publish(batch), batch: batch, handed: handed)
            } catch {
                try mayHalt(error)
            }
        }
        var (halts, failures) = ([SegmentHalt](), [Failure]())
        for claim in handed.claims {
            for selected in batch.selection where selected.segment == claim.segment {
                // The acknowledgement of the one before may have taken long.
                try await withdrawIfLeaseEnded()
                guard state.withLedger({ $0.holds(claim) }) else { break }
                do {
                    let single = try await consumer.publish(batch.selecting([selected]))
                    let outcome = try await single.waitForAcknowledgement()
                    if let halt = outcome.halts.first(where: { $0.segment == claim.segment }) {
                        halts.append(halt)
                        break
                    }
                } catch {
                    try mayHalt(error)
                    failures.append(Failure(claim: claim, index: selected.index, error: error))
                    break
                }
            }
        }
        let outcome = PublicationOutcome(halts: halts)
        return Pending(publication: Publication { outcome }, batch: batch, handed: handed, failures: failures)
    }

    /// The batch without the events of segments that were lost, began anew or failed since it was handed over.
    private func stillToPublish(_ handed: Handed, _ failed: Set<SegmentClaim>) -> FeedBatch {
        // What keeps halts itself is handed everything, and leaves out what lies behind them.
        let keepsHalts = consumer is any EndingConsumer
        let left = state.withLedger { ledger in
            handed.claims.filter { !ledger.holds($0) || failed.contains($0) || (!keepsHalts && !ledger.takes($0)) }
        }
        if left.isEmpty { return handed.batch }
        return handed.batch.leaving(Set(left.map(\.segment)))
    }

    /// Waits for the acknowledgements in order, so that what is done has no hole.
    private func acknowledge() async throws {
        for await _ in arrivals.stream {
            guard let pending = self.pending.withLock({ $0.first }) else { continue }
            do {
                let outcome = try await pending.publication.waitForAcknowledgement()
                let failed = Set(pending.failures.map(\.claim))
                let segments = Set(failed.map(\.segment))
                let batch = segments.isEmpty ? pending.batch : pending.batch.leaving(segments)
                state.finish(pending.handed.claims.filter { !failed.contains($0) }, batch, outcome)
                for failure in pending.failures { halt(pending, failure.claim, at: failure.index, failure.error) }
                state.processed(pending.batch, first: pending.batch.selection.first?.index)
            } catch {
                try mayHalt(error)
                halt(pending, error)
            }
            for passage in self.pending.withLock({ $0.removeFirst() }) {
                let batch = FeedBatch(events: nil, selection: [], through: passage.position)
                state.finish(passage.claims, batch, .done)
            }
            underWay.end()
        }
    }

    /// - Throws: the error, unless it halts the batch's segments.
    private func mayHalt(_ error: any Error) throws {
        try Task.checkCancellation()
        if consumer is any EndingConsumer { throw error }
    }

    /// Halts the segments that the batch has events of, each at its first; the others are done.
    private func halt(_ pending: Pending, _ error: any Error) {
        for claim in pending.handed.claims {
            if let first = pending.batch.selection.first(where: { $0.segment == claim.segment }) {
                halt(pending, claim, at: first.index, error)
            } else {
                state.finish([claim], through: pending.batch.through, events: 0)
            }
        }
    }

    private func halt(_ pending: Pending, _ claim: SegmentClaim, at index: Int, _ error: any Error) {
        guard let event = pending.batch.events?[index].event else { return }
        state.fail(claim, ConsumerFailure(consumer.name, event, segment: claim.segment, error))
    }
}
