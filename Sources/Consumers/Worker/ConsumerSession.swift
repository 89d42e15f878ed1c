import CoreMetrics
import EventSourcing
import Logging
import Postgres
import Synchronization
import Telemetry

/// One stretch of a consumer's service between two losses of the database, with its two connections: one reads, the
/// other claims, releases and writes checkpoints.
struct ConsumerSession {
    let loop: ConsumerRunner
    let control: Connection
    let reading: Connection

    var name: String { loop.name }
    var owner: String { loop.membership.workerID }

    static func open(for loop: ConsumerRunner) async throws -> ConsumerSession {
        let control = try await Connection.open(loop.source.configuration, logger: loop.logger)
        do {
            let reading = try await Connection.open(loop.source.configuration, logger: loop.logger)
            try await reading.execute(script: EventsTable.readingSettings)
            let session = ConsumerSession(loop: loop, control: control, reading: reading)
            try await session.initialize()
            return session
        } catch {
            await control.close()
            throw error
        }
    }

    func close() async {
        await control.close()
        await reading.close()
    }

    /// Makes the consumer's segments at its first start, and refuses a set-up that does not fit what is recorded.
    private func initialize() async throws {
        let start: Int64 =
            switch loop.options.startPosition {
            case .beginning: 0
            case .now: try await loop.source.horizon.look(withPositions: false)
            case .after(let position): position
            }
        let total = loop.options.totalSegments
        let results = try await control.pipeline([
            loop.table.initialize(name, totalSegments: total, start: start), loop.table.totals(name),
        ])
        guard let row = results[1].first else { return }
        for column in 0..<3 {
            let recorded: Int = try row.decode(column)
            guard recorded == total else {
                throw WorkerError.segmentCountMismatch(consumer: name, recorded: recorded, configured: total)
            }
        }
        let checkpoint: Int64 = try row.decode(3)
        // After the checkpoint was read: another worker may just have moved it behind events of this very moment.
        _ = try await loop.source.horizon.look(withPositions: false)
        let lastDrawn = await loop.source.horizon.lastDrawn
        guard checkpoint <= lastDrawn else {
            throw WorkerError.checkpointBeyondStore(consumer: name, checkpoint: checkpoint, lastDrawn: lastDrawn)
        }
        // Positions that a crash gives out again would be waited for in vain.
        if loop.options.runMode == .oneOff { loop.target.withLock { $0 = min($0 ?? lastDrawn, lastDrawn) } }
    }

    /// Serves until the consumer is stopped, or, one-off, until everything is done.
    func serve() async throws {
        var seen = 0
        while true {
            try await loop.state.ownershipSuspect.waitForView(of: loop.membership, beyond: seen, unless: loop.wakeups)
            let view = loop.membership.view
            if loop.wakeups.isClosed { return try await loop.settle() }
            if seen == 0 { try await takeUp() }
            if loop.isSole || view.generation > seen { try await rebalance(view) }
            seen = view.generation
            let claims = loop.state.withLedger { $0.claims }
            loop.sink.serve(loop.state.withLedger { $0.served })
            if claims.isEmpty {
                if loop.options.runMode == .oneOff { return }
                continue
            }
            if try await serve(claims, seen: seen) == .ended { return }
        }
    }

    /// Feeds the claims until their ownership should change, through halts and new attempts.
    private func serve(_ claims: [SegmentClaim], seen: Int) async throws -> Stretch.Outcome {
        var claims = claims
        while true {
            let halts = loop.state.withLedger { $0.halts }
            let outcome = try await Stretch(session: self, claims: claims, halts: halts, seen: seen).run()
            guard outcome == .haltsChanged else { return outcome }
            let served = loop.state.withLedger { ledger in
                claims = ledger.claims
                return ledger.served
            }
            loop.sink.serve(served)
        }
    }

    // MARK: Ownership

    /// Takes up what the session before left: its progress is recorded, and the segments begin at their checkpoints.
    private func takeUp() async throws {
        if loop.state.withLedger({ $0.claims.isEmpty }) { return }
        try await loadOwned()
        try await loop.settle()
        try await loop.recordProgress(on: control)
        loop.state.forgetProgress()
    }

    /// Claims what is missing to the share, and gives up what is too much.
    private func rebalance(_ view: MembershipView) async throws {
        try await loadOwned()
        let owned = Set(loop.state.withLedger { $0.claims }.map(\.segment))
        let total = loop.options.totalSegments
        let share =
            loop.isSole
            ? total : FairShare.share(of: owner, among: view.workers[name] ?? [], totalSegments: total)
        // How many are free by now, the claim itself finds out.
        let plan = RebalancePlan(owned: owned, unowned: total, share: share)
        if !plan.release.isEmpty { try await release(plan.release) }
        if plan.claim > 0 {
            try await control.query(loop.table.claim(name, owner: owner, limit: plan.claim))
            try await loadOwned()
        }
        try await requireAll()
        askForMore(view)
        if !plan.isEmpty {
            let now = loop.state.withLedger { $0.claims }.map(\.segment)
            if owned != Set(now) { loop.metrics.rebalances.increment() }
            let text = now.map { "\($0)" }.joined(separator: " ")
            loop.logger.info("segments", metadata: ["owned": "\(text)"])
        }
    }

    /// Asks the database what is owned; what was lost is dropped, what is still owned goes on where it was.
    func loadOwned() async throws {
        guard let lease = loop.membership.lease else { throw LeaseLost() }
        let segments = try await control.query(loop.table.owned(name, by: owner)).map { row in
            Segment(id: try row.decode(0), checkpoint: try row.decode(1), epoch: try row.decode(2))
        }
        let before = loop.state.withLedger { $0.claims }
        loop.state.own(segments, under: lease)
        let lost = before.filter { claim in !segments.contains { $0.id == claim.segment && $0.epoch == claim.epoch } }
        await loop.report()
        if !lost.isEmpty {
            loop.metrics.lostSegments.increment(by: lost.count)
            loop.logger.warning(
                "segments were lost to another worker",
                metadata: ["segments": "\(lost.map { "\($0.segment)" }.joined(separator: " "))"])
        }
    }

    private func release(_ segments: [Int]) async throws {
        try await loop.settle()
        try await writeCheckpoints()
        try await control.query(loop.table.release(name, owner: owner, segments: segments))
        try await loadOwned()
    }

    /// Has the membership look again soon while less than the share is owned: the others are about to give it up.
    func askForMore(_ view: MembershipView) {
        let share = FairShare.share(
            of: owner, among: view.workers[name] ?? [], totalSegments: loop.options.totalSegments)
        if loop.state.withLedger({ $0.claims.count }) < share { loop.membership.lookSoon() }
    }

    private func requireAll() async throws {
        guard loop.isSole, loop.state.withLedger({ $0.claims.count }) < loop.options.totalSegments else { return }
        let owners = try await control.query(loop.table.list([name])).compactMap { row in
            try row.decodeIfPresent(2, as: String.self)
        }
        throw WorkerError.ownedElsewhere(consumer: name, owners: Set(owners).subtracting([owner]).sorted())
    }

    // MARK: Checkpoints

    func writeCheckpoints() async throws {
        let moves = loop.state.withLedger { $0.unwritten }
        if moves.isEmpty { return }
        let start = ContinuousClock.now
        let moved = try await control.query(loop.table.moveCheckpoints(name, owner: owner, moves)).affectedRows
        loop.metrics.checkpointTime.record(since: start)
        loop.state.withLedger { $0.wrote(moves) }
        await loop.report()
        // One of them is not this worker's any more: look which.
        if moved < moves.count { loop.state.ownershipSuspect.wake() }
    }
}

extension WakeSignal {
    /// Waits until there is a newer view, somebody doubts the ownership, or the other signal is closed.
    fileprivate func waitForView(of membership: Membership, beyond seen: Int, unless stop: WakeSignal) async throws {
        while membership.view.generation <= seen || membership.lease == nil {
            try Task.checkCancellation()
            if stop.isClosed { return }
            if await wait(atMost: .milliseconds(200)), membership.lease != nil, seen > 0 { return }
        }
    }
}
