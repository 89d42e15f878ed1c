import EventSourcing

@testable import Consumers
@testable import KafkaBridge

/// The lease ran out, or the segments are others'.
struct OwnershipLost: Error {}

/// What ``ConsumerRunner``, ``Assignment`` and ``IntegrationSink`` do for one consumer of a process.
final class RelayConsumer: @unchecked Sendable {
    struct Handed: Sendable {
        let batch: FeedBatch
        let claims: [SegmentClaim]
    }

    struct Pending: Sendable {
        /// Its id in the delivery; `nil` if nothing of it is to be delivered.
        let id: Int?
        let handed: Handed
    }

    private enum Work: Sendable {
        case serve([ServedSegment])
        case publish(Handed)
        case lookAtLease
    }

    unowned let process: RelayProcess
    let simulation: Simulation
    let index: Int
    let scope: EventScope
    let total: Int
    private(set) var ledger = SegmentLedger()
    /// The lease that the ownership was checked under.
    private var verified: Int?
    private var lastEvent: EventReference?
    // Set in the initializer, which has to have a self to give it.
    // swift-format-ignore: NeverUseImplicitlyUnwrappedOptionals
    private(set) var delivery: RelayDelivery! = nil
    private var pending = PendingBatches<Pending>()
    private var underWay = 0
    private var works: [Work] = []
    private var worksAnswer: Answer<Void>?
    private var suspicion: Answer<Void>?
    private var isSuspect = false
    /// The reader's session that is served.
    private var life: Int?
    private var hasRoom: Answer<Void>?
    private(set) var isReleased = false

    init(_ process: RelayProcess, _ index: Int, scope: EventScope) throws {
        self.process = process
        simulation = process.simulation
        self.index = index
        self.scope = scope
        total = simulation.database.state.tables.segments[index].count
        delivery = try RelayDelivery(self)
    }

    func start() {
        process.run { try await self.run() }
        process.run { try await self.publish() }
        process.run { try await self.watchLease() }
    }

    func killed() { delivery.killed() }

    // MARK: The lease

    private var lease: Int? { process.membership.lease(of: index) }

    var holdsLease: Bool { lease.map { $0 == verified } ?? false }

    func suspect() {
        isSuspect = true
        suspicion?.resume(.success(()))
    }

    /// Waits until the ownership should be looked at.
    private func waitForSuspicion(atMost milliseconds: Int) async throws {
        if isSuspect {
            isSuspect = false
            return
        }
        try await process.answer { (answer: Answer<Void>) in
            suspicion = answer
            process.after(milliseconds) { [simulation] in
                if answer.isDone { simulation.uncount() } else { answer.resume(.success(())) }
            }
        }
        (suspicion, isSuspect) = (nil, false)
    }

    private func watchLease() async throws {
        var ended: ContinuousClock.Instant?
        while process.isAlive {
            let end = process.membership.leases[index].end
            if let end, end != ended {
                try await process.sleep(process.milliseconds(until: end))
                if process.membership.leases[index].end == end {
                    ended = end
                    yield(.lookAtLease)
                }
            } else {
                try await process.sleep(150)
            }
        }
    }

    /// Gives up what was handed over and is not done, where the lease has ended.
    private func withdrawIfLeaseEnded() {
        guard let verified, verified != lease else { return }
        self.verified = nil
        ledger.withdraw()
        suspect()
        _ = delivery.serve([])
    }

    /// The segments turned out to be others' all the same.
    func doubtLease() {
        if verified != nil { verified = -1 }
        yield(.lookAtLease)
    }

    func sourceRefused() { forgetProgress() }

    private func forgetProgress() {
        ledger.forget()
        lastEvent = nil
    }

    // MARK: The runner

    private func run() async throws {
        while process.isAlive, !process.isStopping {
            do {
                guard let life = process.reader.life else {
                    try await process.sleep(30)
                    continue
                }
                try await serve(life)
            } catch is Killed {
                throw Killed()
            } catch is AnotherServerLife {
                process.reader.restart()
                process.membership.restart()
                try await process.sleep(simulation.draw(20...150))
            } catch {
                withdrawIfLeaseEnded()
                self.life = nil
                try await process.sleep(simulation.draw(5...40))
            }
            self.life = nil
        }
        if process.isStopping {
            try? await settle(atMost: 800)
            try await releaseAll()
        }
        isReleased = true
    }

    private func serve(_ life: Int) async throws {
        var seen = 0
        while true {
            while view.generation <= seen || lease == nil {
                if process.isStopping { return }
                let wasSuspect = isSuspect
                try await waitForSuspicion(atMost: 200)
                if wasSuspect || process.reader.life != life { try checkLife(life) }
                if lease != nil, seen > 0 { break }
            }
            if process.isStopping { return }
            let view = view
            if seen == 0 { try await takeUp(life) }
            if view.generation > seen { try await rebalance(view, life) }
            seen = view.generation
            let claims = ledger.claims
            yield(.serve(ledger.served))
            if claims.isEmpty { continue }
            try await serve(claims, seen, life)
        }
    }

    private var view: MembershipView { process.membership.views[index] }
    private var key: String { RelayTables.consumers[index] }

    private func checkLife(_ life: Int) throws { if process.reader.life != life { throw Lost() } }

    /// Asks on the control session, which proves to talk to the life of the server that is read.
    private func perform<Value: Sendable>(
        _ life: Int, _ work: @escaping (SimulatedDatabase) -> Value
    ) async throws -> Value {
        let reader = process.reader.session
        guard process.reader.life == life else { throw Lost() }
        let result = try await process.ask(process.membership.session) { database -> Value? in
            database.lives(reader?.number) ? work(database) : nil
        }
        guard let result else { throw AnotherServerLife() }
        return result
    }

    private func serve(_ first: [SegmentClaim], _ seen: Int, _ life: Int) async throws {
        var claims = first
        while true {
            let outcome = try await assign(claims, ledger.halts, seen, life)
            guard outcome == .haltsChanged else { return }
            claims = ledger.claims
            yield(.serve(ledger.served))
        }
    }

    private enum Outcome { case ended, ownershipChanged, haltsChanged }

    /// Hands the segments' events over until their ownership should change.
    private func assign(_ claims: [SegmentClaim], _ halts: [SegmentHalt], _ seen: Int, _ life: Int) async throws
        -> Outcome
    {
        var subscription: Subscription?
        if let start = ledger.lowestHandedOver {
            let selection = SegmentSelection(ledger, totalSegments: total, strategy: FNV1aPartitionStrategy())
            let one = process.reader.subscribe(scope, selection, after: start)
            subscription = one
            process.run { try await self.handOver(one, claims) }
        }
        defer { if let subscription { process.reader.unsubscribe(subscription) } }
        while true {
            try await waitForSuspicion(atMost: 400)
            if process.isStopping { return .ended }
            try checkLife(life)
            guard holdsLease else { throw OwnershipLost() }
            retry(delivery.retries())
            if ledger.claims != claims || ledger.halts != halts { return .haltsChanged }
            let view = view
            let isNewer = view.generation > seen
            if !isNewer || !view.lost(of: key, worker: process.name, claims: claims).isEmpty
                || view.owns(more: key, worker: process.name, than: claims)
            {
                try await loadOwned(life)
                if ledger.claims != claims { return .ownershipChanged }
            }
            let plan = view.plan(
                for: key, worker: process.name, owned: Set(claims.map(\.segment)), totalSegments: total)
            if isNewer, !plan.isEmpty { return .ownershipChanged }
        }
    }

    func retry(_ segments: Set<Int>) { if ledger.retry(segments) { suspect() } }

    private func handOver(_ subscription: Subscription, _ claims: [SegmentClaim]) async throws {
        while let batch = try await subscription.next() {
            while underWay >= 4 {
                try await process.answer { hasRoom = $0 }
                hasRoom = nil
            }
            guard holdsLease else { return suspect() }
            if let last = batch.events.flatMap({ events in batch.selection.last.map { EventReference(events[$0.index]) }
            }),
                last.position > lastEvent?.position ?? 0
            {
                lastEvent = last
            }
            simulation.relies(process, index, claims)
            // No suspension: a batch counts as handed over exactly if it is.
            underWay += 1
            ledger.handOver(claims, through: batch.through)
            yield(.publish(Handed(batch: batch, claims: claims)))
            process.after(simulation.draw(0...2)) { [process] in process.reader.demandChanged() }
            try await process.sleep(simulation.draw(0...2))
        }
    }

    // MARK: Ownership

    /// Takes up what was under way: its progress is recorded, and the segments begin at their checkpoints.
    private func takeUp(_ life: Int) async throws {
        if !ledger.claims.isEmpty {
            try await loadOwned(life)
            try await settle(atMost: .max)
            try await recordProgress(life)
            forgetProgress()
        }
        self.life = life
    }

    private func rebalance(_ view: MembershipView, _ life: Int) async throws {
        try await loadOwned(life)
        let owned = Set(ledger.claims.map(\.segment))
        let (name, index) = (process.name, index)
        let share = view.share(for: key, worker: name, totalSegments: total)
        let plan = RebalancePlan(owned: owned, unowned: total, share: share)
        if !plan.release.isEmpty { try await release(plan.release, life) }
        if plan.claim > 0 {
            try await perform(life) { $0.claim(index, name, limit: plan.claim) }
            try await loadOwned(life)
        }
    }

    private func loadOwned(_ life: Int) async throws {
        guard let lease else { throw OwnershipLost() }
        let (name, index) = (process.name, index)
        let segments = try await perform(life) { $0.owned(index, by: name) }
        ledger.own(segments)
        verified = lease
    }

    private func release(_ segments: [Int], _ life: Int) async throws {
        try await settle(atMost: .max)
        await delivery.willRelease(Set(segments))
        let (name, index, moves) = (process.name, index, moves(of: segments))
        try await perform(life) { $0.release(index, name, moves) }
        try await loadOwned(life)
    }

    private func moves(of segments: [Int]) -> [CheckpointMove] { ledger.moves(of: segments) }

    private func releaseAll() async throws {
        let segments = ledger.claims.map(\.segment)
        guard !segments.isEmpty, let life = process.reader.life else { return }
        let (name, index, moves) = (process.name, index, moves(of: segments))
        await delivery.willRelease(Set(segments))
        try? await perform(life) { $0.release(index, name, moves) }
    }

    /// Waits for what is under way.
    private func settle(atMost milliseconds: Int) async throws {
        let start = simulation.now
        while underWay > 0, simulation.now - start < milliseconds { try await process.sleep(15) }
    }

    // MARK: Progress

    /// Writes the checkpoints behind what was done under another life of the server, as far as the database still has it.
    private func recordProgress(_ life: Int) async throws {
        guard let last = lastEvent else { return }
        let (name, index, moves, recorded) = (
            process.name, index, ledger.moves(upTo: last), delivery.state.lastRecorded
        )
        let moved = try await perform(life) { database -> [Int]? in
            let known = database.state.rows[last.position] == Account.number(last.eventID)
            let isRecorded = recorded.map { database.state.tables.letters[index][$0.position] != nil } ?? true
            return known && isRecorded ? database.move(index, name, moves) : nil
        }
        guard moved != nil else { return }
        ledger.wrote(moves)
    }

    func writeCheckpoints() async throws {
        guard let life else { return }
        let moves = ledger.unwritten.sorted { $0.segment < $1.segment }
        if moves.isEmpty { return }
        let (name, index) = (process.name, index)
        do {
            let written = Set(try await perform(life) { $0.move(index, name, moves) })
            let done = moves.filter { written.contains($0.segment) }
            ledger.wrote(done)
            delivery.wroteCheckpoints(done.reduce(into: [:]) { $0[$1.segment] = $1.position })
            if done.count < moves.count { suspect() }
        } catch is AnotherServerLife {
            // The runner finds out by itself, and begins anew.
        } catch is Lost where process.reader.life != life {}
    }

    // MARK: The sink

    private func yield(_ work: Work) {
        works.append(work)
        worksAnswer?.resume(.success(()))
    }

    private func publish() async throws {
        while process.isAlive {
            while works.isEmpty {
                try await process.answer { worksAnswer = $0 }
                worksAnswer = nil
            }
            let work = works.removeFirst()
            withdrawIfLeaseEnded()
            switch work {
            case .lookAtLease: break
            case .serve(let segments): if holdsLease { try await serve(segments) }
            case .publish(let handed): publish(handed)
            }
        }
    }

    /// Has the delivery serve the segments; not beyond the lease, where that waits for the database.
    private func serve(_ segments: [ServedSegment]) async throws {
        let begun = delivery.serve(segments)
        var isKnown = begun.isEmpty
        while !isKnown {
            guard holdsLease else { return withdrawIfLeaseEnded() }
            do {
                let (index, session) = (index, process.membership.session)
                let knowledge = try await process.ask(session) { $0.know(index, begun) }
                delivery.learned(knowledge, of: begun)
                isKnown = true
            } catch is Lost {
                try await process.sleep(40)
            }
        }
    }

    private func publish(_ handed: Handed) {
        let left = handed.claims.filter { !ledger.holds($0) }
        let batch = left.isEmpty ? handed.batch : handed.batch.leaving(Set(left.map(\.segment)))
        if batch.selection.isEmpty || batch.events == nil {
            if pending.follow(handed.claims, through: handed.batch.through) {
                underWay -= 1
            } else {
                pending.append(Pending(id: nil, handed: handed))
            }
        } else {
            pending.append(Pending(id: delivery.accept(batch), handed: handed))
        }
        acknowledge()
        delivery.pump()
    }

    /// Takes in what has ended, in order, so that what is done has no hole.
    func acknowledge() {
        while let first = pending.first {
            var outcome = PublicationOutcome.done
            if let id = first.id {
                guard let ended = delivery.takeOutcome(of: id) else { break }
                outcome = ended
            }
            finish(first.handed.claims, through: first.handed.batch.through, outcome)
            for passage in pending.removeFirst() { finish(passage.claims, through: passage.position, .done) }
            underWay -= 1
        }
        if underWay < 4 { hasRoom?.resume(.success(())) }
    }

    private func finish(_ claims: [SegmentClaim], through position: Int64, _ outcome: PublicationOutcome) {
        for claim in claims {
            if let halt = outcome.halts.first(where: { $0.segment == claim.segment }) {
                if ledger.halt(claim, halt) { suspect() }
            } else {
                ledger.finish([claim], through: position)
            }
        }
    }

    var isQuiet: Bool { underWay == 0 && ledger.unwritten.isEmpty && ledger.halts.isEmpty }
}
