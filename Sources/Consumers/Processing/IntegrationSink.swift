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

    private let consumer: any IntegrationConsumer
    private let state: ServingState
    private let underWay = UnderWay()
    // Both are bounded by the bytes in flight, a share of which comes with each batch.
    private let batches = AsyncStream.makeStream(of: Handed.self)
    private let pending = AsyncStream.makeStream(of: Pending.self)

    init(_ consumer: any IntegrationConsumer, state: ServingState) {
        self.consumer = consumer
        self.state = state
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.publish() }
            group.addTask { try await self.acknowledge() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    let worksOutside = true

    func take(_ batch: FeedBatch, share: ByteBudget.Share, claims: [SegmentClaim]) {
        // No suspension: a batch counts as handed over exactly if it is.
        underWay.begin()
        state.withLedger { $0.handOver(claims, through: batch.through) }
        batches.continuation.yield(Handed(batch: batch, claims: claims, share: share))
    }

    func settle(finishing: Bool) async throws {
        try await underWay.waitForNone()
    }

    private func publish() async throws {
        for await handed in batches.stream {
            // A worker that was stopped or cut off for long must not publish what is another's by now.
            try await state.waitForLease()
            let batch = withoutLost(handed)
            let publication: Publication
            do {
                publication = batch.selection.isEmpty ? .acknowledged : try await consumer.publish(batch)
            } catch let halted as PublicationHalted {
                // What was handed over before is acknowledged in its turn, and then this.
                publication = Publication { throw halted }
            }
            pending.continuation.yield(Pending(publication: publication, batch: batch, handed: handed))
        }
    }

    /// The batch without the events of segments that were lost since it was handed over.
    private func withoutLost(_ handed: Handed) -> FeedBatch {
        let lost = state.withLedger { ledger in Set(handed.claims.filter { !ledger.holds($0) }.map(\.segment)) }
        if lost.isEmpty { return handed.batch }
        return handed.batch.selecting(handed.batch.selection.filter { !lost.contains($0.segment) })
    }

    /// Waits for the acknowledgements in order, so that what is done has no hole.
    private func acknowledge() async throws {
        for await pending in pending.stream {
            do {
                try await pending.publication.waitForAcknowledgement()
            } catch let halted as PublicationHalted {
                let through = halted.acknowledgedThrough
                state.finish(pending.handed.claims, through: through, events: pending.batch.count(through: through))
                throw halted
            }
            let batch = pending.batch
            state.finish(pending.handed.claims, through: batch.through, events: batch.selection.count)
            state.processed(batch, first: batch.selection.first?.index)
            underWay.end()
        }
    }
}
