import TestSupport

@testable import Consumers

/// Workers that share one segment, their clocks, a database with its clock, rows, sessions and locks, and a network that is slow,
/// loses answers and is cut. Time is simulated; what happens next is drawn at random.
///
/// ``Lease``, ``LeaseTerms``, ``WorkerRow`` and ``MissingOwners`` are the real ones. The database does what the SQL of
/// ``WorkersTable`` does, which another test compares with the same rule.
struct LeaseHistory {
    enum Version {
        case current
        /// The version before takes over by its own interval, and says that it holds its lock whether it does or not.
        case before
    }

    struct Row {
        var beat: Int
        var hasSessionLock: Bool
        var takeoverAfter: Duration?
        var staleAfter: Duration?
        /// The session that noted the beat.
        var session: Int
        var lockedUntil = 0
    }

    enum Request {
        case connect
        case beat
        case look
        case claim
        case owned(lease: Int)
    }

    enum Answer {
        case lost
        case connected(session: Int)
        case beat(isNoted: Bool, isBegun: Bool)
        case look(missing: [String])
        case claimed
        case owned(epoch: Int?)
    }

    struct Worker {
        var name: String
        let version: Version
        let terms: LeaseTerms
        /// How fast its clock runs.
        let rate: Double
        var lease: Lease
        var missing: MissingOwners
        var session: Int?
        /// The statement whose answer it waits for.
        var waitsFor: Int?
        var lastSent = 0
        var next = Request.connect
        /// The lease that its ownership was checked under, and the epoch it owns.
        var verified: Int?
        var epoch: Int?
        var pausedUntil = 0
        var cutFrom = 0
        var cutUntil = 0
        var slowUntil = 0
        var isGone = false
        /// Until when it may have produced.
        var reliedUntil = Int.min

        func isCut(at time: Int) -> Bool { cutFrom <= time && time < cutUntil }
    }

    enum Event {
        case arrive(worker: Int, statement: Int, request: Request, session: Int?, sent: Int)
        case answer(worker: Int, statement: Int, answer: Answer, sent: Int)
        case giveUp(worker: Int, statement: Int)
        case go(worker: Int)
        case endSession(Int)
        case disturb
    }

    /// What may go wrong.
    struct Faults {
        var isMissing = true
        var isCalm = false
    }

    var random: Seeded
    let faults: Faults
    private(set) var now = 0
    var start = ContinuousClock.now
    private(set) var workers: [Worker] = []
    /// What comes next is the last.
    var events: [(time: Int, event: Event)] = []
    var statements = 0
    // The database.
    var rows: [String: Row] = [:]
    var sessions: Set<Int> = []
    var locks: [String: Int] = [:]
    var owner: String?
    var epoch = 0
    var segmentLockedUntil = 0
    /// What may never be, the first time it was.
    var violation: String?
    var takeovers = 0
    /// When the segment's owner changed last.
    var lastClaim = 0

    init(_ seed: UInt64, terms: [(LeaseTerms, Version)], faults: Faults = Faults()) {
        random = Seeded(seed)
        self.faults = faults
        for (terms, version) in terms { add(terms, version, at: draw(0...500)) }
        if !faults.isCalm { schedule(.disturb, at: draw(3000...8000)) }
    }

    mutating func run(until end: Int) {
        while violation == nil, let event = events.last, event.time <= end {
            events.removeLast()
            noteReliance(until: event.time)
            now = event.time
            perform(event.event)
            check()
        }
        noteReliance(until: end)
        now = max(now, end)
    }

    /// Ends a process; the server notices after so many milliseconds.
    mutating func kill(_ index: Int, noticedAfter delay: Int) {
        workers[index].isGone = true
        if let session = workers[index].session { schedule(.endSession(session), at: now + delay) }
    }

    var ownerIndex: Int? { workers.firstIndex { !$0.isGone && $0.name == owner && relies($0) } }

    // MARK: Random and time

    private mutating func draw(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &random) }
    private mutating func chance(_ percent: Int) -> Bool { draw(1...100) <= percent }

    mutating func schedule(_ event: Event, at time: Int) {
        var (low, high) = (0, events.count)
        while low < high {
            let middle = (low + high) / 2
            if events[middle].time > time { low = middle + 1 } else { high = middle }
        }
        events.insert((time, event), at: low)
    }

    /// What a worker's clock says at a true time.
    func clock(_ worker: Worker, _ time: Int) -> ContinuousClock.Instant {
        start.advanced(by: .milliseconds(1) * (Double(time) * worker.rate))
    }

    mutating func delay(_ worker: Int) -> Int {
        workers[worker].slowUntil > now ? draw(1...3000) : draw(1...20)
    }

    private mutating func add(_ terms: LeaseTerms, _ version: Version, at time: Int) {
        let rate = 1 + Double(draw(-100...100)) / 10_000
        workers.append(
            Worker(
                name: "w\(workers.count)", version: version, terms: terms, rate: rate, lease: Lease(terms),
                missing: MissingOwners(terms)))
        schedule(.go(worker: workers.count - 1), at: time)
    }

    // MARK: What may never be

    private func relies(_ worker: Worker, at time: Int? = nil) -> Bool {
        guard let verified = worker.verified, worker.epoch != nil, !worker.isGone else { return false }
        return worker.lease.current(at: clock(worker, time ?? now)) == verified
    }

    /// Notes up to when each running worker has relied on its segment since the last event.
    private mutating func noteReliance(until time: Int) {
        for index in workers.indices where workers[index].pausedUntil <= now && relies(workers[index]) {
            let worker = workers[index]
            guard let end = worker.lease.end else { continue }
            let local = clock(worker, 0).duration(to: end) / .milliseconds(1)
            workers[index].reliedUntil = min(time, Int(local / worker.rate))
        }
    }

    /// No two workers rely on the segment at one time, nor within the margin that one has for handing over what it has checked.
    private mutating func check() {
        for (index, worker) in workers.enumerated() where worker.pausedUntil <= now && relies(worker) {
            for (other, before) in workers.enumerated()
            where other != index && before.version == .current && (before.epoch ?? 0) < (worker.epoch ?? 0) {
                let margin = Int(before.terms.margin / .milliseconds(2))
                if before.reliedUntil > now - margin {
                    violation =
                        "at \(now) ms \(worker.name) relies on the segment, and \(before.name) did until \(before.reliedUntil) ms"
                }
            }
        }
    }

    // MARK: Workers

    private mutating func perform(_ event: Event) {
        switch event {
        case .arrive(let worker, let statement, let request, let session, let sent):
            arrive(worker, statement, request, session, sent)
        case .answer(let index, let statement, let answer, let sent):
            let worker = workers[index]
            guard !worker.isGone, worker.waitsFor == statement else { return }
            if worker.isCut(at: now) { return }
            if worker.pausedUntil > now { return schedule(event, at: worker.pausedUntil) }
            workers[index].waitsFor = nil
            take(answer, index, sent)
        case .giveUp(let index, let statement):
            let worker = workers[index]
            guard !worker.isGone, worker.waitsFor == statement else { return }
            if worker.pausedUntil > now { return schedule(event, at: worker.pausedUntil) }
            loseSession(index)
        case .go(let index):
            let worker = workers[index]
            if worker.isGone || worker.waitsFor != nil { return }
            if worker.pausedUntil > now { return schedule(event, at: worker.pausedUntil) }
            send(index)
        case .endSession(let session):
            sessions.remove(session)
            locks = locks.filter { $0.value != session }
        case .disturb:
            disturb()
            schedule(.disturb, at: now + draw(500...6000))
        }
    }

    private mutating func send(_ index: Int) {
        statements += 1
        let statement = statements
        let worker = workers[index]
        workers[index].waitsFor = statement
        if case .beat = worker.next { workers[index].lastSent = now }
        if !worker.isCut(at: now) {
            schedule(
                .arrive(
                    worker: index, statement: statement, request: worker.next, session: worker.session, sent: now),
                at: now + delay(index))
        }
        schedule(.giveUp(worker: index, statement: statement), at: now + draw(1000...40_000))
    }

    private mutating func loseSession(_ index: Int) {
        // The server may not notice for long.
        if let session = workers[index].session {
            schedule(.endSession(session), at: now + (chance(50) ? draw(0...50) : draw(0...40_000)))
        }
        workers[index].waitsFor = nil
        workers[index].session = nil
        workers[index].next = .connect
        schedule(.go(worker: index), at: now + draw(50...1000))
    }

    private mutating func take(_ answer: Answer, _ index: Int, _ sent: Int) {
        var worker = workers[index]
        var wait = 0
        switch answer {
        case .lost: return loseSession(index)
        case .connected(let session):
            worker.session = session
            worker.next = .beat
        case .beat(let isNoted, let isBegun):
            if isNoted {
                worker.lease.renew(sent: clock(worker, sent), isBegun: isBegun, now: clock(worker, now))
            }
            worker.next = .look
        case .look(let missing):
            worker.missing.note(missing, now: clock(worker, now))
            if let lease = worker.lease.current(at: clock(worker, now)), lease != worker.verified || worker.epoch == nil
            {
                worker.next = .claim
            } else {
                worker.next = .beat
            }
        case .claimed:
            worker.next = worker.lease.current(at: clock(worker, now)).map { .owned(lease: $0) } ?? .beat
        case .owned(let epoch):
            if case .owned(let lease) = worker.next { worker.verified = lease }
            worker.epoch = epoch
            worker.next = .beat
        }
        if case .beat = worker.next, worker.session != nil, worker.lastSent > 0 {
            let beat = Int(worker.terms.beat / .milliseconds(1))
            wait = max(1, worker.lastSent + beat - now)
        }
        workers[index] = worker
        schedule(.go(worker: index), at: now + wait)
    }

    // MARK: Faults

    private mutating func disturb() {
        let candidates = workers.indices.filter { !workers[$0].isGone }
        guard let index = candidates.randomElement(using: &random) else { return }
        let name = workers[index].name
        switch draw(0...9) {
        case 0: workers[index].slowUntil = now + draw(1000...15_000)
        case 1, 2:
            // Often slow first: the last answers come late.
            let start = chance(50) ? now + draw(500...5000) : now
            workers[index].slowUntil = max(workers[index].slowUntil, start)
            workers[index].cutFrom = start
            workers[index].cutUntil = start + draw(500...40_000)
            if let session = workers[index].session, chance(70) {
                schedule(.endSession(session), at: start + (chance(50) ? draw(0...1000) : draw(0...20_000)))
            }
        case 3: if let session = workers[index].session { schedule(.endSession(session), at: now) }
        case 4: if workers[index].pausedUntil <= now { loseSession(index) }
        case 5, 6:
            workers[index].pausedUntil = now + (chance(50) ? draw(100...4000) : draw(100...20_000))
            if let session = workers[index].session, chance(50) {
                schedule(.endSession(session), at: now + draw(0...4000))
            }
        case 7:
            kill(index, noticedAfter: chance(70) ? draw(0...100) : draw(0...40_000))
            add(workers[index].terms, workers[index].version, at: now + draw(500...5000))
        case 8:
            let end = now + draw(100...10_000)
            if chance(50) { rows[name]?.lockedUntil = end } else { segmentLockedUntil = end }
        default:
            if faults.isMissing, rows[name]?.lockedUntil ?? 0 <= now { rows[name] = nil }
        }
    }
}
