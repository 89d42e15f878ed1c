import EventSourcing

@testable import Consumers

/// What ``HeadSession`` and ``CatchUpLane`` do: the looks that ``HeadWindow``, ``ReadPlan`` and ``HeadSchedule`` ask for.
final class RelayReader: @unchecked Sendable {
    private unowned let process: RelayProcess
    private let simulation: Simulation
    private(set) var session: RelayProcess.Session?
    /// Counts the sessions that read; `nil` while none does.
    private(set) var life: Int?
    private var lives = 0
    private(set) var refusal: String?
    private var identity: StoreIdentity?
    private var window = HeadWindow(released: 0)
    private var plan = ReadPlan(head: 0)
    private var schedule: HeadSchedule
    private var kept = KeptRows()
    private var subscriptions: [Int: Subscription] = [:]
    private var nextSubscription = 0
    private var lastDrawn: Int64 = 0
    private var news: Answer<Void>?
    private let memory = MemoryBudget(limit: .max, released: WakeSignal())
    private var hasNews = false
    private var mustEnd = false

    private static let rows = 30

    init(_ process: RelayProcess) {
        self.process = process
        simulation = process.simulation
        schedule = HeadSchedule(trailingInterval: .milliseconds(1_500), now: process.clock)
    }

    var isReading: Bool { life != nil }

    func wake() {
        hasNews = true
        news?.resume(.success(()))
    }

    /// Has reading begin anew: another connection has found another life of the server.
    func restart() {
        mustEnd = true
        news?.resume(.success(()))
    }

    /// Something was taken, or is waited for.
    func demandChanged() { news?.resume(.success(())) }

    func run() async throws {
        while process.isAlive {
            do {
                try await open()
                try await lead()
            } catch is Killed {
                throw Killed()
            } catch {
                if let error = error as? SourceError { refuse("\(error)") }
            }
            close()
            try await process.sleep(simulation.draw(20...150))
        }
    }

    private func refuse(_ text: String) {
        if refusal == nil { simulation.note("\(process.name) refuses the source: \(text)") }
        refusal = text
        for consumer in process.consumers { consumer.sourceRefused() }
    }

    private func close() {
        process.close(session)
        (session, life, identity, mustEnd) = (nil, nil, nil, false)
        for (_, subscription) in subscriptions.sorted(by: { $0.key < $1.key }) { subscription.interrupt() }
        subscriptions = [:]
        for consumer in process.consumers { consumer.suspect() }
    }

    // MARK: Opening

    private struct First: Sendable {
        var identity: StoreIdentity
        var lastDrawn: Int64 = 0
        var writers: Set<Writer> = []
    }

    private func open() async throws {
        let session = try await process.connect()
        self.session = session
        let seen = Seen()
        let first = try await process.ask(
            session, statements: [{ seen.lastDrawn = $0.state.lastDrawn }, { seen.writers = $0.writers() }]
        ) { First(identity: $0.state.identity, lastDrawn: seen.lastDrawn, writers: seen.writers) }
        let recorded = try await process.ask(session) { database in
            database.state.tables.recorded.indices.map {
                (database.state.tables.recorded[$0], database.state.tables.segments[$0].map(\.checkpoint).max() ?? 0)
            }
        }
        let lastDrawn = try await process.ask(session) { $0.state.lastDrawn }
        if let refusal = recorded.compactMap(\.0.refusal).first { throw SourceError.notAccepted(refusal) }
        for (recorded, checkpoint) in recorded {
            _ = try await judge(first.identity, recorded.identity ?? first.identity, passed: checkpoint, lastDrawn)
        }
        try await record(first.identity)
        let checkpoint = recorded.map(\.1).max() ?? 0
        let start = first.writers.isEmpty ? first.lastDrawn : min(checkpoint, first.lastDrawn)
        identity = first.identity
        self.lastDrawn = first.lastDrawn
        schedule = HeadSchedule(trailingInterval: .milliseconds(1_500), now: process.clock)
        window = HeadWindow(released: start)
        plan = ReadPlan(head: start)
        kept = KeptRows()
        refusal = nil
        lives += 1
        life = lives
        simulation.note("\(process.name) reads from \(start)")
        for lane in 0..<ReadPlan.lanes { process.run { [lives] in try await self.runLane(lane, lives) } }
        for consumer in process.consumers { consumer.suspect() }
    }

    private func record(_ identity: StoreIdentity) async throws {
        try await process.ask(session) { database in
            for index in database.state.tables.recorded.indices
            where database.state.tables.recorded[index].refusal == nil {
                database.state.tables.recorded[index].identity = identity
            }
            database.flush()
        }
    }

    /// Whether reading has to begin anew.
    private func judge(
        _ identity: StoreIdentity, _ earlier: StoreIdentity, passed: Int64, _ lastDrawn: Int64
    ) async throws -> Bool {
        switch identity.compared(to: earlier, passed: passed, lastDrawn: lastDrawn, sequence: "s") {
        case .same: return false
        case .beginAnew, .partitionsAdded: return true
        case .refused(let error):
            if error.isLasting {
                try await process.ask(session) { database in
                    for index in database.state.tables.recorded.indices {
                        let known = database.state.tables.recorded[index].refusal
                        database.state.tables.recorded[index].refusal = known ?? "\(error)"
                    }
                    database.flush()
                }
            }
            throw error
        }
    }

    // MARK: Subscriptions

    func subscribe(_ scope: EventScope, _ selection: SegmentSelection, after cursor: Int64) -> Subscription {
        nextSubscription += 1
        let subscription = Subscription(
            id: nextSubscription, scope: scope, selection: selection, after: cursor, target: nil, queueBytes: 3_000,
            reader: WakeSignal())
        subscriptions[subscription.id] = subscription
        plan.add(subscription.id, cursor: cursor)
        schedule.noteNews()
        demandChanged()
        return subscription
    }

    func unsubscribe(_ subscription: Subscription) {
        subscriptions[subscription.id] = nil
        plan.remove(subscription.id)
        subscription.interrupt()
        demandChanged()
    }

    private func noteDemand() {
        for (id, subscription) in subscriptions {
            let demand = subscription.demand(isReaderWaiting: true)
            plan.note(id, hasRoom: demand.hasRoom, isHungry: demand.isHungry)
        }
    }

    // MARK: The head

    private struct Request {
        var missing: [ClosedRange<Int64>] = []
        var includesWriters = false
        var readsNewer = false
        var settlesTrailing = false
        var joining: (ids: [Int], after: Int64)?
    }

    private func lead() async throws {
        while true {
            if mustEnd { throw Lost() }
            noteDemand()
            if schedule.takeProgress(process.clock) {
                for (id, subscription) in subscriptions.sorted(by: { $0.key < $1.key }) {
                    guard let member = plan.members[id], member.place == .head else { continue }
                    subscription.advance(to: member.cursor, isDue: true)
                }
            }
            guard let request = nextRequest() else {
                try await rest()
                continue
            }
            try await perform(request)
        }
    }

    private func nextRequest() -> Request? {
        if hasNews { schedule.noteNews() }
        hasNews = false
        if subscriptions.isEmpty { return nil }
        let now = process.clock
        var request = Request()
        let isGapDue = schedule.isGapDue(now)
        let isTrailing = lastDrawn > window.readThrough && schedule.isTrailingDue(now)
        if schedule.wantsNewer || isTrailing, window.mayReadNewer {
            for id in plan.evict() { if let one = subscriptions[id] { plan.fellBack(id, to: one.dropQueue()) } }
            request.readsNewer = plan.headMayRead
            request.settlesTrailing = request.readsNewer && isTrailing
        }
        if isGapDue || request.readsNewer { request.missing = window.wanted }
        request.includesWriters = isGapDue || request.settlesTrailing
        request.joining = plan.joining
        return request.readsNewer || !request.missing.isEmpty || request.joining != nil ? request : nil
    }

    private func rest() async throws {
        var until = process.clock.advanced(by: .seconds(60))
        if !subscriptions.isEmpty {
            until = schedule.restsUntil(
                process.clock,
                settlesTrailing: lastDrawn > window.readThrough && window.mayReadNewer && plan.headMayRead)
        }
        // A notification may be lost.
        let (wait, isPoll) = (process.milliseconds(until: until), process.milliseconds(until: until) > 700)
        try await process.answer { (answer: Answer<Void>) in
            news = answer
            if hasNews, !subscriptions.isEmpty { answer.resume(.success(())) }
            process.after(min(wait, 700)) { [simulation] in
                if answer.isDone { simulation.uncount() } else { answer.resume(.success(())) }
            }
        }
        news = nil
        if isPoll { schedule.noteNews() }
    }

    /// What the statements of one look have seen so far.
    private final class Seen: @unchecked Sendable {
        var identity: StoreIdentity?
        var lastDrawn: Int64 = 0
        var writers: Set<Writer> = []
        var missing: [Int] = []
        var newer: [Int] = []
        var joining: [Int] = []
        var isHidden = false
    }

    private func perform(_ request: Request) async throws {
        let seen = Seen()
        let (limit, readThrough, released) = (Self.rows, window.readThrough, window.released)
        var statements: [(SimulatedDatabase) -> Void] = [
            {
                (seen.identity, seen.lastDrawn) = ($0.state.identity, $0.state.lastDrawn)
                seen.isHidden = $0.hidesRows
            }
        ]
        if request.includesWriters { statements.append { seen.writers = $0.writers() } }
        if !request.missing.isEmpty {
            statements.append { seen.missing = $0.events(in: request.missing, limit: limit) }
        }
        if request.readsNewer { statements.append { seen.newer = $0.events(after: readThrough, limit: limit) } }
        if let joining = request.joining {
            statements.append { seen.joining = $0.events(after: joining.after, through: released, limit: limit) }
        }
        if request.readsNewer { schedule.askedForNewer() }
        let last = statements.removeLast()
        try await process.ask(session, statements: statements) { last($0) }
        if seen.isHidden { throw Lost() }
        guard let now = seen.identity, let before = identity else { throw Lost() }
        if now != before || seen.lastDrawn < window.released {
            if try await judge(now, before, passed: window.released, seen.lastDrawn) { throw Lost() }
            try await record(now)
        }
        identity = now
        lastDrawn = seen.lastDrawn
        try absorb(seen, request, released: released)
    }

    private func absorb(_ seen: Seen, _ request: Request, released: Int64) throws {
        if request.includesWriters { window.looked(lastDrawn: seen.lastDrawn, writers: seen.writers) }
        if !request.missing.isEmpty {
            let events = positions(seen.missing)
            window.readMissing(events, in: request.missing, isCut: events.count >= Self.rows)
            kept.add(try rows(seen.missing))
        }
        if request.readsNewer {
            let events = positions(seen.newer)
            let isComplete = events.count < Self.rows
            schedule.readNewer(isCut: !isComplete)
            let drawn = request.settlesTrailing && isComplete ? seen.lastDrawn : 0
            window.readNewer(events, through: max(drawn, events.last ?? 0))
            kept.add(try rows(seen.newer))
            if request.settlesTrailing || lastDrawn <= window.readThrough { schedule.settledTrailing(process.clock) }
        }
        if let joining = request.joining {
            let isCut = seen.joining.count >= Self.rows
            let end = isCut ? positions(seen.joining).last ?? joining.after : released
            try offer(seen.joining, through: end, isFull: isCut, to: joining.ids)
        }
        release()
        schedule.looked(
            gapBehind: window.hasGap ? window.released : nil, sawWriters: request.includesWriters, now: process.clock)
        let horizon = window.horizon.position
        if simulation.database.lives(session?.number),
            let open = simulation.database.isUndecided(after: 0, through: horizon)
        {
            simulation.violate("\(process.name) takes \(horizon) for settled, and a transaction may yet insert \(open)")
        }
    }

    private func positions(_ numbers: [Int]) -> [Int64] { numbers.map { simulation.account.entries[$0].position } }

    private func batch(_ numbers: [Int]) throws -> EventBatch {
        try EventBatch(numbers.compactMap { simulation.account.entries[$0].event })
    }

    private func rows(_ numbers: [Int]) throws -> LogRows {
        LogRows(try batch(numbers), kinds: [], charge: memory.charge(0))
    }

    private func release() {
        if window.horizon.position - window.readThrough > 20_000, window.jumpToHorizon() {
            kept.removeAll()
            schedule.beginAnew()
            plan.headJumped(to: window.released)
            return
        }
        let batches = kept.release(through: window.released, isFull: schedule.isMoreThere)
        guard window.released > plan.head else { return }
        for (id, subscription) in subscriptions.sorted(by: { $0.key < $1.key })
        where plan.members[id]?.place == .head {
            for batch in batches { subscription.offer(batch, []) }
            subscription.advance(to: window.released, isDue: false)
        }
        plan.headMoved(to: window.released)
        schedule.noteProgress(process.clock)
    }

    private func offer(_ events: [Int], through position: Int64, isFull: Bool, to ids: [Int]) throws {
        let rows = try rows(events)
        for id in ids {
            guard let subscription = subscriptions[id] else { continue }
            if !events.isEmpty {
                subscription.offer(
                    LogBatch(rows, 0..<events.count, through: position, isFull: isFull, isBehind: true), [])
            }
            subscription.advance(to: position, isDue: events.isEmpty)
        }
        plan.joined(ids, through: position)
        schedule.noteProgress(process.clock)
    }

    // MARK: Lanes

    private func runLane(_ lane: Int, _ life: Int) async throws {
        while self.life == life {
            noteDemand()
            guard let stretch = plan.nextStretch(for: lane) else {
                try await process.sleep(200)
                continue
            }
            do {
                let (limit, began) = (Self.rows, process.clock)
                // On a session that proves to talk to the same life of the server.
                let events = try await process.ask(session) {
                    $0.events(after: stretch.after, through: stretch.through, limit: limit)
                }
                guard self.life == life else { return }
                let isCut = events.count >= limit
                let end = isCut ? positions(events).last ?? stretch.through : stretch.through
                try offer(events, through: end, isFull: true, to: stretch.members)
                plan.finished(stretch, through: end, time: process.clock - began, isCut: isCut)
                demandChanged()
            } catch is Lost {
                guard self.life == life else { return }
                plan.failed(stretch, tookTooLong: false)
                try await process.sleep(50)
            }
        }
    }
}
