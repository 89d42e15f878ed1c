import EventSourcing
import Postgres
import Synchronization

/// Feeds a fixed set of segments until their ownership should change, the consumer is stopped, or its task is done.
struct Stretch {
    let session: ConsumerSession
    let claims: [SegmentClaim]
    /// The segments that halt: nothing is fed to them.
    let halts: [SegmentHalt]
    /// The generation of the view that the claims rest on.
    let seen: Int

    enum Outcome {
        case ended
        case ownershipChanged
        /// A segment halts or begins anew; the ownership is as it was.
        case haltsChanged
    }

    private var loop: ConsumerRunner { session.loop }

    func run() async throws -> Outcome {
        try await withThrowingTaskGroup(of: Outcome.self) { group in
            group.addTask { try await feed() }
            group.addTask { try await watch() }
            group.addTask { try await keepCheckpoints() }
            defer { group.cancelAll() }
            let outcome = try await group.next() ?? .ended
            group.cancelAll()
            // The feed uses the reading connection until it has ended.
            while (try? await group.next()) != nil {}
            return outcome
        }
    }

    private func feed() async throws -> Outcome {
        let (selection, lowest) = loop.state.withLedger { ledger in
            (
                SegmentSelection(
                    ledger, totalSegments: loop.options.totalSegments, strategy: loop.options.partitionStrategy),
                ledger.lowestHandedOver
            )
        }
        guard let start = lowest else { return try await waitInHalt() }
        let options = loop.options
        // Several batches are under way at a time, however far reads grow.
        let largeBytes = loop.budget.limit / 8
        let feed = Feed(
            connection: session.reading, table: EventsTable(loop.source.tables.events), scope: loop.scope,
            horizon: loop.source.horizon, selection: selection, wakeups: loop.wakeups,
            limits: FeedLimits(
                rows: options.batchSize, bytes: options.batchBytes, largeBytes: largeBytes,
                horizonInterval: options.horizonInterval, wakeupJitter: options.wakeupJitter),
            pollBackoff: options.dispatcherEnabled
                ? nil
                : PollBackoff(
                    initial: options.pollInterval, maximum: options.maxPollInterval,
                    factor: options.pollBackoffFactor), after: start, target: loop.target.withLock { $0 },
            fetchTime: loop.metrics.fetchTime)
        var pause = PostBatchPause(maximum: options.maxPostBatchPause)
        while try await loop.flow.admit(0, share: 1) != nil, let batch = try await feed.next() {
            let share = try await loop.budget.take(
                batch.memorySize + batch.selection.count * loop.sink.memoryPerEvent)
            guard try await handOver(batch, share) else { break }
            let wait = pause.next(afterFullBatch: batch.isFull)
            if wait > .zero { try await Task.sleep(for: wait) }
        }
        try await loop.settle(finishing: !loop.wakeups.isClosed)
        try await session.writeCheckpoints()
        return .ended
    }

    /// Hands a batch over, in the portions that the consumer's orders let pass; false once it is stopped.
    private func handOver(_ batch: FeedBatch, _ share: ByteBudget.Share) async throws -> Bool {
        let owned = Double(claims.count) / Double(loop.options.totalSegments)
        if let last = batch.events?.lastReference { loop.state.sawEvents(through: last) }
        var rest = batch
        repeat {
            guard let count = try await loop.flow.admit(rest.selection.count, share: owned) else { return false }
            // The time until here may have been long: the process may have been stopped in between.
            guard loop.state.holdsLease else { throw LeaseLost() }
            let portion = rest.takeFirst(count)
            loop.sink.take(portion, share: share, claims: claims)
            loop.metrics.tookOver(portion)
        } while !rest.selection.isEmpty
        return true
    }

    /// All segments halt: there is nothing to feed until one of them begins anew.
    private func waitInHalt() async throws -> Outcome {
        while !loop.wakeups.isClosed, loop.options.runMode == .continuous {
            try Task.checkCancellation()
            _ = await loop.wakeups.wait(atMost: .seconds(60))
        }
        try await loop.settle(finishing: !loop.wakeups.isClosed)
        try await session.writeCheckpoints()
        return .ended
    }

    /// Ends the stretch when segments are to be claimed or given up, were lost, halt, or are to be tried again.
    private func watch() async throws -> Outcome {
        while true {
            let isContinuous = loop.options.runMode == .continuous
            let patience = (isContinuous ? loop.state.timeToRetry : nil) ?? .seconds(60)
            _ = await loop.state.ownershipSuspect.wait(atMost: min(patience, .seconds(60)))
            try Task.checkCancellation()
            guard loop.state.holdsLease else { throw LeaseLost() }
            if isContinuous { loop.state.retryIfDue() }
            if loop.state.withLedger({ $0.claims != claims || $0.halts != halts }) { return .haltsChanged }
            let view = loop.membership.view
            let isNewer = view.generation > seen
            if !isNewer || !view.lost(of: session.name, worker: session.owner, claims: claims).isEmpty {
                // The view may be older than the claim, so ask.
                try await session.loadOwned()
                if loop.state.withLedger({ $0.claims }) != claims { return .ownershipChanged }
            }
            if loop.isSole || !isNewer { continue }
            let plan = view.plan(
                for: session.name, worker: session.owner, owned: Set(claims.map(\.segment)),
                totalSegments: loop.options.totalSegments)
            if !plan.isEmpty { return .ownershipChanged }
            session.askForMore(view)
        }
    }

    /// Moves the checkpoints behind what is done. While batches come without a pause, many of them make one write.
    private func keepCheckpoints() async throws -> Outcome {
        while true {
            try await session.writeCheckpoints()
            try await Task.sleep(for: loop.checkpointInterval)
            while loop.state.withLedger({ $0.unwritten.isEmpty }) {
                try Task.checkCancellation()
                _ = await loop.state.changed.wait(atMost: .seconds(60))
            }
        }
    }
}
