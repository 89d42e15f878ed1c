import EventSourcing

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
    }

    private enum Work: Sendable {
        case serve([ServedSegment])
        case publish(Handed)
    }

    private let consumer: any IntegrationConsumer
    private let sized: (any SizedConsumer)?
    private let state: ServingState
    private let underWay = UnderWay()
    // Both are bounded by the bytes in flight, a share of which comes with each batch.
    private let work = AsyncStream.makeStream(of: Work.self)
    private let pending = AsyncStream.makeStream(of: Pending.self)

    init(_ consumer: any IntegrationConsumer, state: ServingState) {
        self.consumer = consumer
        sized = consumer as? any SizedConsumer
        self.state = state
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.publish() }
            group.addTask { try await self.acknowledge() }
            group.addTask { try await self.consumer.run { self.state.retry($0) } }
            defer { group.cancelAll() }
            // Only the consumer's own work may end.
            while try await group.next() != nil {}
        }
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
    }

    private func publish() async throws {
        // Those whose events must not overtake one that failed.
        var failed: Set<SegmentClaim> = []
        for await work in work.stream {
            switch work {
            case .serve(let segments):
                failed = failed.filter { claim in
                    segments.contains {
                        $0.segment == claim.segment && $0.epoch == claim.epoch && $0.attempt == claim.attempt
                    }
                }
                try await consumer.serve(segments)
            case .publish(let handed):
                // A worker that was stopped or cut off for long must not publish what is another's by now.
                try await state.waitForLease()
                let batch = stillToPublish(handed, failed)
                var publication = Publication.acknowledged
                do {
                    if !batch.selection.isEmpty { publication = try await consumer.publish(batch) }
                } catch {
                    try mayHalt(error)
                    let segments = Set(batch.selection.map(\.segment))
                    failed.formUnion(handed.claims.filter { segments.contains($0.segment) })
                    // Those before it are to be acknowledged first.
                    publication = Publication { throw error }
                }
                pending.continuation.yield(Pending(publication: publication, batch: batch, handed: handed))
            }
        }
    }

    /// The batch without the events of segments that were lost, began anew or failed since it was handed over.
    private func stillToPublish(_ handed: Handed, _ failed: Set<SegmentClaim>) -> FeedBatch {
        // What keeps halts itself is handed everything, and leaves out what lies behind them.
        let keepsHalts = consumer is any EndingConsumer
        let left = state.withLedger { ledger in
            handed.claims.filter { !ledger.holds($0) || failed.contains($0) || (!keepsHalts && !ledger.takes($0)) }
        }
        if left.isEmpty { return handed.batch }
        let segments = Set(left.map(\.segment))
        return handed.batch.selecting(handed.batch.selection.filter { !segments.contains($0.segment) })
    }

    /// Waits for the acknowledgements in order, so that what is done has no hole.
    private func acknowledge() async throws {
        for await pending in pending.stream {
            do {
                let outcome = try await pending.publication.waitForAcknowledgement()
                state.finish(pending.handed.claims, pending.batch, outcome)
                state.processed(pending.batch, first: pending.batch.selection.first?.index)
            } catch {
                try mayHalt(error)
                halt(pending, error)
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
            if let first = pending.batch.selection.first(where: { $0.segment == claim.segment }),
                let event = pending.batch.events?[first.index].event
            {
                state.fail(claim, ConsumerFailure(consumer.name, event, segment: claim.segment, error))
            } else {
                state.finish([claim], through: pending.batch.through, events: 0)
            }
        }
    }
}
