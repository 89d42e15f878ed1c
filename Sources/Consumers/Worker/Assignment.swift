import EventSourcing
import Synchronization

/// Hands the events of a fixed set of segments to the sink until their ownership should change, the consumer is stopped,
/// or its task is done.
struct Assignment {
    let runner: ConsumerRunner
    let life: ServerLife
    let claims: [SegmentClaim]
    /// The segments that halt: nothing is handed over for them.
    let halts: [SegmentHalt]
    /// The generation of the view that the claims rest on.
    let seen: Int

    enum Outcome {
        case ended
        case ownershipChanged
        /// A segment halts or begins anew; the ownership is as it was.
        case haltsChanged
    }

    private var options: WorkerOptions { runner.options }
    private var state: ServingState { runner.state }

    func run() async throws -> Outcome {
        try await withThrowingTaskGroup(of: Outcome.self) { group in
            group.addTask { try await handOver() }
            group.addTask { try await watch() }
            defer { group.cancelAll() }
            let outcome = try await group.next() ?? .ended
            group.cancelAll()
            // The sink takes from one assignment at a time.
            while (try? await group.next()) != nil {}
            return outcome
        }
    }

    private func handOver() async throws -> Outcome {
        let total = state.totalSegments
        let (selection, lowest) = state.withLedger { ledger in
            (
                SegmentSelection(
                    ledger, totalSegments: total, strategy: options.partitionStrategy,
                    former: runner.former.withLock { $0 }),
                ledger.lowestHandedOver
            )
        }
        guard let start = lowest else { return try await waitInHalt() }
        let reader = runner.source.reader
        let subscription = try await reader.subscribe(
            runner.scope, selection, after: start, target: runner.target.withLock { $0 }, life: life,
            largestPayload: { [sink = runner.sink] in sink.largestPayload },
            noteFiltered: { [metrics = runner.metrics] in metrics.noteFiltered($0) })
        runner.subscribed(to: subscription)
        do {
            try await handOver(subscription)
        } catch {
            await reader.unsubscribe(subscription)
            throw error
        }
        await reader.unsubscribe(subscription)
        runner.subscribed(to: nil)
        try await runner.settle(finishing: !runner.stopping.isClosed)
        // What was withdrawn meanwhile counts as under way no longer, and is not done.
        guard state.holdsLease || runner.stopping.isClosed else { throw LeaseLost() }
        return .ended
    }

    private func handOver(_ subscription: Subscription) async throws {
        var pause = PostBatchPause(maximum: options.maxPostBatchPause)
        while try await runner.flow.admit(0, share: 1) != nil, let batch = try await subscription.next() {
            let share = try await runner.budget.take(
                batch: batch.memorySize, records: runner.sink.memory(of: batch), events: batch.selection.count)
            guard try await handOver(batch, share) else { break }
            let wait = pause.next(afterFullBatch: batch.isFull)
            if wait > .zero { try await Task.sleep(for: wait) }
        }
    }

    /// Hands a batch over, in the portions that the consumer's controls let pass; false once it is stopped.
    private func handOver(_ batch: FeedBatch, _ share: ByteBudget.Share) async throws -> Bool {
        let owned = Double(claims.count) / Double(max(1, state.totalSegments))
        if let last = batch.lastSelected { state.sawEvents(through: last) }
        var rest = batch
        rest.records = share.records
        repeat {
            let most = min(rest.selection.count, options.batchSize)
            guard let count = try await runner.flow.admit(most, share: owned) else { return false }
            // The time until here may have been long: the process may have been stopped in between.
            guard state.holdsLease else { throw LeaseLost() }
            var portion = rest.takeFirst(count)
            portion.handedOverAt = WallClock.microseconds
            runner.sink.take(portion, share: share, claims: claims)
            runner.metrics.tookOver(portion)
        } while !rest.selection.isEmpty
        return true
    }

    /// All segments halt: there is nothing to hand over until one of them begins anew.
    private func waitInHalt() async throws -> Outcome {
        while !runner.stopping.isClosed, options.runMode == .continuous {
            try Task.checkCancellation()
            _ = await runner.stopping.wait(atMost: .seconds(60))
        }
        try await runner.settle(finishing: !runner.stopping.isClosed)
        return .ended
    }

    /// Ends the assignment when segments are to be claimed or released, were lost, halt, or are to be tried again.
    private func watch() async throws -> Outcome {
        while true {
            let isContinuous = options.runMode == .continuous
            let patience = (isContinuous ? state.timeToRetry : nil) ?? .seconds(60)
            _ = await state.ownershipSuspect.wait(atMost: min(patience, .seconds(60)))
            try Task.checkCancellation()
            guard state.holdsLease else { throw LeaseLost() }
            if isContinuous { state.retryIfDue() }
            if state.withLedger({ $0.claims != claims || $0.halts != halts }) { return .haltsChanged }
            let view = runner.membership.view
            let isNewer = view.generation > seen
            let worker = runner.membership.workerID
            if !isNewer || !view.lost(of: runner.name, worker: worker, claims: claims).isEmpty
                || view.owns(more: runner.name, worker: worker, than: claims)
            {
                // The view may be older than the claim, so ask.
                try await runner.loadOwned(in: life)
                if state.withLedger({ $0.claims }) != claims { return .ownershipChanged }
            }
            if runner.isSole || !isNewer { continue }
            let plan = view.plan(
                for: runner.name, worker: worker, owned: Set(claims.map(\.segment)),
                totalSegments: state.totalSegments)
            if !plan.isEmpty { return .ownershipChanged }
            runner.askForMore(view)
        }
    }
}
