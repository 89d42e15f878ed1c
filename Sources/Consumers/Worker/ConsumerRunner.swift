import CoreMetrics
import EventSourcing
import Logging
import Postgres
import Synchronization

/// Serves one consumer: claims its share of segments, subscribes to their events, and hands these to the sink, through
/// changes of ownership and losses of the database.
final class ConsumerRunner: Sendable {
    let name: String
    let scope: EventScope
    let source: EventSource
    let membership: Membership
    let options: WorkerOptions
    let state: ServingState
    let sink: any BatchSink
    let table: SegmentsTable
    let budget: ByteBudget
    let logger: Logger
    let metrics: ConsumerMetrics
    let flow: FlowControl
    /// Whether all segments are wanted, whatever other workers there are.
    let isSole: Bool
    /// Closed to stop.
    let stopping = WakeSignal()
    /// Whether it was stopped before everything under way was done.
    let hasLetGo = Mutex(false)
    /// Where a one-off run ends: fixed at its start.
    let target = Mutex<Int64?>(nil)
    /// What the ledger rests on; `nil` until it was taken up there.
    private let servedLife = Mutex<ServerLife?>(nil)
    private let subscription = Mutex<Subscription?>(nil)
    /// The claims that the recorded scope holds for.
    private let scopedClaims = Mutex<[SegmentClaim]>([])
    private let scopeReport: ScopeReport
    /// How far the segments had come that were exchanged for those of now; `nil` where none were.
    let former = Mutex<FormerSegments?>(nil)
    /// Of how many of the consumer's segments there are no rows.
    private let missingRows = Mutex(0)

    var life: ServerLife? { servedLife.withLock { $0 } }
    var owner: String { membership.workerID }

    init(
        name: String, scope: EventScope, source: EventSource, membership: Membership, options: WorkerOptions,
        isSole: Bool, bytesInFlight: Int, sink: (ServingState) -> any BatchSink
    ) {
        self.name = name
        self.scope = scope
        self.source = source
        self.membership = membership
        self.options = options
        self.isSole = isSole
        self.metrics = ConsumerMetrics(name, live: source.liveFlow)
        self.flow = membership.flows[name] ?? FlowControl()
        self.state = ServingState(name, membership, metrics, flow: flow, options: options)
        self.sink = sink(state)
        self.table = SegmentsTable(source.tables)
        self.budget = ByteBudget(limit: bytesInFlight, process: source.reader.memory)
        var logger = options.logger
        logger[metadataKey: "consumer"] = "\(name)"
        self.logger = logger
        scopeReport = ScopeReport(consumer: name, scope: scope, source: source, membership: membership, logger: logger)
        // Who waits between two attempts need not wait on.
        source.wakeups.addForReturn(stopping)
    }

    /// Reads nothing more, finishes what is under way, moves the checkpoints and releases the segments.
    func stop() {
        stopping.close()
        flow.close()
        subscription.withLock { $0 }?.finish()
    }

    /// Keeps the subscription that stopping has to end.
    func subscribed(to new: Subscription?) {
        subscription.withLock { $0 = new }
        if stopping.isClosed { new?.finish() }
    }

    /// Serves the consumer until stopped, or, one-off, until everything is done.
    func run() async throws {
        var failure: (any Error)?
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.sink.run() }
                group.addTask { try await self.serve() }
                group.addTask { try await self.scopeReport.run() }
                defer { group.cancelAll() }
                // The sink ends only by throwing.
                try await group.next()
            }
        } catch {
            failure = error
        }
        // A cancelled task lets go at once.
        try Task.checkCancellation()
        await releaseSegments()
        if let failure { throw failure }
        guard options.runMode == .oneOff, !stopping.isClosed else { return }
        if let failure = state.firstFailure { throw failure }
        let halts = state.withLedger { $0.halts }
        if !halts.isEmpty { throw PublicationHalted(consumer: name, halts: halts) }
    }

    private func serve() async throws {
        var backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(2))
        while let life = try await waitForReader() {
            do {
                return try await serve(in: life)
            } catch is LeaseLost {
                logger.warning("what is known of the segments may be out of date: asking the database again")
            } catch let exchanged as SegmentsExchanged {
                logger.notice(
                    "the consumer's segments were exchanged: joining anew", metadata: ["segments": "\(exchanged.total)"]
                )
            } catch is SubscriptionInterrupted {
                logger.debug("the log is read anew")
            } catch is AnotherServerLife {
                logger.debug("connections are to different servers, or to different lives of one: connecting anew")
                await source.reader.restart()
                await membership.control.close()
                membership.beatNow()
                _ = await stopping.wait(atMost: backoff.next())
            } catch {
                try Task.checkCancellation()
                guard membership.isPassing(error) else { throw error }
                logger.debug("waiting for the database: \(error)")
                source.reader.noteFailure(error)
                membership.beatNow()
                // Nothing more can be done for the database; its segments are taken over.
                if stopping.isClosed { return }
                _ = await stopping.wait(atMost: backoff.next())
            }
            servedLife.withLock { $0 = nil }
        }
    }

    /// Waits until the source is read; `nil` once stopped.
    ///
    /// - Throws: in a one-off run, why the source is refused.
    private func waitForReader() async throws -> ServerLife? {
        var wait: Duration = .milliseconds(1)
        while !stopping.isClosed {
            try Task.checkCancellation()
            switch await source.reader.state {
            case .serving(let life): return life
            case .waiting: break
            case .refused(let error):
                if options.runMode == .oneOff { throw error }
                // Positions may mean other events by now: only what is recorded counts.
                state.forgetProgress()
            }
            _ = await stopping.wait(atMost: wait)
            wait = min(wait * 2, .milliseconds(50))
        }
        return nil
    }

    private func serve(in life: ServerLife) async throws {
        try await begin(in: life)
        var seen = 0
        while true {
            try await waitForView(beyond: seen)
            let view = membership.view
            if stopping.isClosed { return try await settle() }
            if seen == 0 { try await takeUp(in: life) }
            if isSole || view.generation > seen { try await rebalance(view, in: life) }
            seen = view.generation
            let claims = state.withLedger { $0.claims }
            sink.serve(state.withLedger { $0.served })
            if claims.isEmpty {
                if options.runMode == .oneOff { return }
                continue
            }
            if try await serve(claims, seen: seen, in: life) == .ended { return }
        }
    }

    /// Feeds the claims until their ownership should change, through halts and new attempts.
    private func serve(_ claims: [SegmentClaim], seen: Int, in life: ServerLife) async throws -> Assignment.Outcome {
        var claims = claims
        while true {
            let halts = state.withLedger { $0.halts }
            let assignment = Assignment(runner: self, life: life, claims: claims, halts: halts, seen: seen)
            let outcome = try await assignment.run()
            guard outcome == .haltsChanged else { return outcome }
            let served = state.withLedger { ledger in
                claims = ledger.claims
                return ledger.served
            }
            sink.serve(served)
        }
    }

    /// Makes the consumer's segments at its first start; fixes where a one-off run ends.
    private func begin(in life: ServerLife) async throws {
        let total = try await FirstStart(
            name: name, scope: scope, source: source, membership: membership, options: options, stopping: stopping,
            logger: logger
        ).run(in: life)
        if let total { state.spread(over: total) }
        guard options.runMode == .oneOff else { return }
        let lastDrawn = try await source.reader.drawnAndWriters(life: life).lastDrawn
        // Positions that a crash gives out again would be waited for in vain.
        target.withLock { $0 = min($0 ?? lastDrawn, lastDrawn) }
    }

    // MARK: Ownership

    /// Takes up what was under way: its progress is recorded, and the segments begin at their checkpoints.
    private func takeUp(in life: ServerLife) async throws {
        if !state.withLedger({ $0.claims.isEmpty }) {
            try await loadOwned(in: life)
            try await settle()
            try await recordProgress(in: life)
            state.forgetProgress()
        }
        servedLife.withLock { $0 = life }
    }

    /// Claims what is missing to the share, and releases what is too much.
    private func rebalance(_ view: MembershipView, in life: ServerLife) async throws {
        try await loadOwned(in: life)
        let owned = Set(state.withLedger { $0.claims }.map(\.segment))
        let (name, owner, total) = (name, owner, state.totalSegments)
        let share = isSole ? total : view.share(for: name, worker: owner, totalSegments: total)
        // How many are free by now, the claim itself finds out.
        let plan = RebalancePlan(owned: owned, unowned: total, share: share)
        if !plan.release.isEmpty { try await release(plan.release, in: life) }
        if plan.claim > 0 {
            let claim = table.claim(name, owner: owner, limit: plan.claim, totalSegments: total)
            try await membership.control.perform(in: life) { _ = try await $0.query(claim) }
            try await loadOwned(in: life)
        }
        try await requireAll(in: life)
        try await lookForRows(view, in: life)
        try await recordScope(in: life)
        askForMore(view)
        if !plan.isEmpty {
            let now = state.withLedger { $0.claims }.map(\.segment)
            if owned != Set(now) {
                metrics.rebalances.increment()
                let text = now.map { "\($0)" }.joined(separator: " ")
                logger.info("segments", metadata: ["owned": "\(text)"])
            }
        }
    }

    /// Asks the database what is owned; what was lost is dropped, what is still owned goes on where it was.
    ///
    /// - Parameter released: segments that this worker has just given back.
    func loadOwned(in life: ServerLife, released: [Int] = []) async throws {
        guard let lease = membership.lease(of: name) else { throw LeaseLost() }
        let statement = table.owned(name, by: owner)
        let segments = try await membership.control.perform(in: life) { connection in
            try await connection.query(statement).map { row in
                Segment(id: try row.decode(0), checkpoint: try row.decode(1), epoch: try row.decode(2))
            }
        }
        let before = state.withLedger { $0.claims }
        state.own(segments, under: lease)
        let lost = before.filter { claim in
            !released.contains(claim.segment)
                && !segments.contains { $0.id == claim.segment && $0.epoch == claim.epoch }
        }
        await report()
        if !lost.isEmpty {
            metrics.lostSegments.increment(by: lost.count)
            logger.warning(
                "segments were lost to another worker",
                metadata: ["segments": "\(lost.map { "\($0.segment)" }.joined(separator: " "))"])
        }
    }

    /// Records which events this worker wants of the segments that it has claimed, before the first of them is handed over.
    private func recordScope(in life: ServerLife) async throws {
        let claims = state.withLedger { $0.claims }
        guard !claims.isEmpty, claims != scopedClaims.withLock({ $0 }) else { return }
        let (name, owner, scope, scopes) = (name, owner, scope, ScopesTable(source.tables))
        let owned = state.withLedger { $0.moves(of: claims.map(\.segment)) }.map {
            (segment: $0.segment, checkpoint: $0.position)
        }
        let exchanges = SegmentExchangesTable(source.tables)
        let former = try await membership.control.perform(in: life) { connection in
            try await exchanges.read(name, on: connection)?.former
        }
        self.former.withLock { $0 = former }
        let updates = try await membership.control.perform(in: life) { connection in
            let updates = try await scopes.read(name, on: connection).updates(owned, scope: scope)
            if !updates.isEmpty {
                try await connection.withTransaction {
                    _ = try await $0.pipeline(scopes.record(updates, of: name, owner: owner))
                }
            }
            return updates
        }
        scopedClaims.withLock { $0 = claims }
        scopeReport.changed(updates)
    }

    private func release(_ segments: [Int], in life: ServerLife) async throws {
        try await settle()
        await sink.willRelease(Set(segments))
        let statement = table.release(name, owner: owner, state.withLedger { $0.moves(of: segments) })
        try await membership.control.perform(in: life) { _ = try await $0.query(statement) }
        try await loadOwned(in: life, released: segments)
    }

    /// Has the membership look again soon while less than the share is owned: the others are about to release it.
    func askForMore(_ view: MembershipView) {
        let share = view.share(for: name, worker: owner, totalSegments: state.totalSegments)
        if state.withLedger({ $0.claims.count }) < share { membership.lookSoon() }
    }

    /// Says so where rows of the consumer's segments are gone under its workers. They are not made anew: where these segments
    /// are to begin then is for an operator to say.
    private func lookForRows(_ view: MembershipView, in life: ServerLife) async throws {
        let total = state.totalSegments
        var count = view.segments[name]?.count ?? 0
        if count != total {
            // The view may be older than the rows.
            let (name, table) = (name, table)
            let recorded = try await membership.control.perform(in: life) { connection -> (count: Int, total: Int?) in
                guard let row = try await connection.query(table.totals(name)).first else { return (0, nil) }
                return (try row.decode(2), try row.decodeIfPresent(1))
            }
            count = recorded.count
            if let exchanged = recorded.total, exchanged != total { throw SegmentsExchanged(total: exchanged) }
        }
        let missing = max(0, total - count)
        guard missing != missingRows.withLock({ $0 }) else { return }
        missingRows.withLock { $0 = missing }
        let place = source.tables.consumerSegments.text
        let reason =
            missing == total
            ? "its rows are gone from \(place): put them back, or restart the process, which then begins as at a first start"
            : "rows of \(missing) of its \(total) segments are gone from \(place), and nobody delivers their events: put them back "
                + "with the checkpoints that they had"
        if missing > 0 { logger.error("\(reason)") }
        membership.waiting(name, for: missing > 0 ? reason : nil)
        membership.beatNow()
    }

    private func requireAll(in life: ServerLife) async throws {
        guard isSole, state.withLedger({ $0.claims.count }) < state.totalSegments else { return }
        let statement = table.list([name])
        let owners = try await membership.control.perform(in: life) { connection in
            try await connection.query(statement).compactMap { row in try row.decodeIfPresent(2, as: String.self) }
        }
        throw WorkerError.ownedElsewhere(consumer: name, owners: Set(owners).subtracting([owner]).sorted())
    }
}

extension ConsumerRunner {
    /// Waits until there is a newer view, the ownership is in doubt, or the consumer is stopped.
    private func waitForView(beyond seen: Int) async throws {
        while membership.view.generation <= seen || membership.lease(of: name) == nil {
            try Task.checkCancellation()
            if stopping.isClosed { return }
            let isWoken = await state.ownershipSuspect.wait(atMost: .milliseconds(200))
            if isWoken, membership.lease(of: name) != nil, seen > 0 { return }
        }
    }

    /// Brings the metrics up to date that say how far the consumer has come.
    @discardableResult func report(latest: Int64) -> ConsumerProgress {
        let positions = state.withLedger { $0.positions }
        let progress = ConsumerProgress(segments: positions, latest: latest, halts: state.halts)
        metrics.update(progress)
        return progress
    }

    func report() async {
        report(latest: await source.reader.snapshot().latest)
    }
}
