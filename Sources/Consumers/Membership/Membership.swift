import CoreMetrics
import EventSourcing
import Logging
import Postgres
import Synchronization
import Telemetry

/// A worker's place among the others: its registration, heartbeat, session lock and lease, and its view of the others.
final class Membership: Sendable {
    let workerID: String
    /// The worker's connection for everything but reading.
    let control: ControlSession
    /// Woken when checkpoints can be written.
    let checkpointsDue = WakeSignal()
    private let source: EventSource
    private let consumers: [String]
    /// The condition of each consumer, by its name; others flow.
    private let conditions = Mutex<[String: @Sendable () -> ConsumerCondition]>([:])
    private let options: WorkerOptions
    private let terms: LeaseTerms
    private let table: WorkersTable
    private let segments: SegmentsTable
    private let state: Mutex<State>
    private let observers = Mutex<[WakeSignal]>([])
    /// What lets each consumer's events pass.
    let flows: [String: FlowControl]
    private let stopping = WakeSignal()
    private let outages: DatabaseOutages
    /// Woken when it may be time to look at the others.
    private let looking = WakeSignal()
    private let connectedMetric = Metric.databaseConnected.gauge()

    private struct State {
        var view = MembershipView()
        /// By consumer, since each has a row of its own.
        var leases: [String: Lease] = [:]
        /// When to look at the others, and when to list the segments with it.
        var nextLook = ContinuousClock.now
        var nextList = ContinuousClock.now
        var isConnected = false
        /// Why the database cannot be used as it should.
        var outage: String?
        /// Since when looks at the others find tables locked.
        var busySince: ContinuousClock.Instant?
        /// Whether a heartbeat, and a look behind it, have found everything that they need.
        var hasWorked = false
        /// The last heartbeat, if it was not noted everywhere, or without the session lock.
        var trouble = HeartbeatTrouble()
        var missing: MissingOwners
        /// What consumers wait for before they begin, by name.
        var waits: [String: String] = [:]
    }

    /// How the heartbeat calls a consumer that ends when it has done what was there at its start.
    static let oneOffCondition = "one_off"

    init(_ source: EventSource, workerID: String, consumers: [String], options: WorkerOptions)
        throws(InvalidWorkerOption)
    {
        let terms = try options.leaseTerms()
        self.source = source
        self.workerID = workerID
        self.consumers = consumers
        self.options = options
        self.terms = terms
        self.table = WorkersTable(source.tables)
        self.control = ControlSession(source.configuration, patience: terms.ownerLimit / 4, logger: options.logger)
        self.segments = SegmentsTable(source.tables)
        self.outages = DatabaseOutages(logger: options.logger)
        self.flows = consumers.reduce(into: [:]) { $0[$1] = FlowControl() }
        self.state = Mutex(State(missing: MissingOwners(terms)))
        source.side.set(control)
        source.wakeups.addForControls(stopping)
        source.reader.problemChanged.add(stopping)
    }

    var tables: TableNames { source.tables }

    /// Whether an error is one to wait for: the database is away, or, in a worker that has worked before, a table, a column
    /// or a right is missing that will come back.
    func isPassing(_ error: any Error) -> Bool {
        error.isDatabaseAway || (error.isRecoverable && state.withLock { $0.hasWorked })
    }

    var view: MembershipView { state.withLock { $0.view } }

    /// The number of the consumer's lease that holds at this instant, `nil` if none does: then the worker must not rely on
    /// its segments.
    func lease(of consumer: String) -> Int? {
        state.withLock { $0.leases[consumer]?.current(at: .now) }
    }

    /// When the consumer's lease runs out unless a heartbeat prolongs it; `nil` before the first.
    func leaseEnd(of consumer: String) -> ContinuousClock.Instant? {
        state.withLock { $0.leases[consumer]?.end }
    }

    /// Whether the last heartbeat reached the database.
    var isConnected: Bool { state.withLock { $0.isConnected } }

    /// A signal that is woken with each new view.
    func observe() -> WakeSignal {
        let signal = WakeSignal()
        observers.withLock { $0.append(signal) }
        return signal
    }

    /// Has the heartbeat say what a consumer waits for before it begins; `nil` for nothing any more.
    func waiting(_ consumer: String, for reason: String?) {
        state.withLock { $0.waits[consumer] = reason }
    }

    /// Says how the heartbeat learns a consumer's condition.
    func setCondition(of consumer: String, _ condition: @escaping @Sendable () -> ConsumerCondition) {
        conditions.withLock { $0[consumer] = condition }
    }

    /// Beats now: a connection was lost, and the others' sessions may have gone with it; or controls have changed.
    func beatNow() {
        stopping.wake()
    }

    /// Lists the segments again soon, because some are expected to come free.
    func lookSoon() {
        let soon = ContinuousClock.now.advanced(by: min(options.heartbeatInterval, .milliseconds(500)))
        let isSooner = state.withLock { state in
            defer {
                state.nextList = min(state.nextList, soon)
                state.nextLook = min(state.nextLook, soon)
            }
            return soon < state.nextList
        }
        if isSooner { looking.wake() }
    }

    /// Ends the beat, and with it the membership.
    func stop() {
        stopping.close()
    }

    /// Registers and beats until stopped, then leaves. A database that is away is waited for.
    func run() async throws {
        var backoff = Backoff(initial: .milliseconds(50), maximum: .seconds(1))
        /// Whether the last attempt failed, and when the connection was lost last since it worked, or the server with it.
        var (hasFailed, lost) = (false, ContinuousClock.Instant?.none)
        while true {
            do {
                try await control.open()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    try await beat()
                    // What the heartbeat needs may be there, and what else is needed missing.
                    try await lookUnlessBusy()
                    outages.reportSuccess()
                    // Who waits between two attempts need not wait on.
                    source.reader.wakeups.wake()
                    if hasFailed { source.wakeups.databaseIsBack() }
                    if let lost { source.configuration.connections?.giveUpListeners(openedBefore: lost) }
                    (hasFailed, lost) = (false, nil)
                    backoff.reset()
                    group.addTask { try await self.lookAtOthers() }
                    group.addTask { try await self.keepBeating() }
                    defer { group.cancelAll() }
                    // Only the beat ends, when the worker is stopped.
                    try await group.next()
                }
                try Task.checkCancellation()
                let leave = table.deregister(workerID, consumers: consumers)
                try await control.perform { _ = try await $0.query(leave) }
                try await notifyPeers()
                return await control.close()
            } catch {
                await control.close()
                try Task.checkCancellation()
                guard isPassing(error) else { throw error }
                connectedMetric.set(0)
                // What the segments rest on is the last heartbeat that was answered, whatever becomes of the session.
                let text = Self.outage(error)
                state.withLock { ($0.isConnected, $0.outage, $0.busySince) = (false, text, nil) }
                // Where this connection got no answer, others that wait will get none either.
                if error.isSilence { source.configuration.connections?.giveUp(silentFor: Self.longSilence) }
                hasFailed = true
                if error.isLoss { lost = .now }
                outages.report(text, error)
                if stopping.isClosed { return }
                _ = await stopping.wait(atMost: backoff.next())
            }
        }
    }

    /// Has the others look at once who is there, where they listen: segments that are free by now need not wait for their
    /// next heartbeats.
    private func notifyPeers() async throws {
        guard let channel else { return }
        let statement = ControlsTable(tables).tell(channel)
        try await control.perform { _ = try await $0.query(statement) }
    }

    /// Where this worker listens; `nil` where it polls.
    private var channel: String? {
        if case .notify(let notify) = options.wakeupSource { notify.channel } else { nil }
    }

    /// What the database is waited for.
    private static func outage(_ error: any Error) -> String {
        guard let trouble = error.databaseTrouble else { return "the database is away" }
        let isPlain = trouble.kind == .away && error.postgresError?.code != .secretUnavailable
        return isPlain ? "the database is away" : "the database cannot be used, \(trouble.reason)"
    }

    /// What the database is waited for; `nil` while it answers as it should.
    var databaseOutage: String? { state.withLock { $0.outage } }

    /// A connection that has waited for so long while the control session was lost is given up.
    private static let longSilence: Duration = .seconds(3)

    // MARK: The heartbeat

    /// Beats until stopped. Nothing else is done here, so that nothing keeps a heartbeat from being sent.
    private func keepBeating() async throws {
        var last = ContinuousClock.now
        while !stopping.isClosed {
            let isTroubled = state.withLock { !$0.trouble.unnoted.isEmpty }
            let next = last.advanced(by: isTroubled ? terms.beat / 4 : terms.beat)
            _ = await stopping.wait(atMost: max(.milliseconds(1), ContinuousClock.now.duration(to: next)))
            try Task.checkCancellation()
            if stopping.isClosed { return }
            last = .now
            try await beat()
            outages.reportSuccess()
        }
    }

    /// One heartbeat. It prolongs the leases of the consumers whose rows it was noted in, from the instant it was sent.
    private func beat() async throws {
        let sent = ContinuousClock.now
        let statement = table.heartbeat(workerID, consumers.map(conditionRow), terms: terms)
        let known = state.withLock { $0.trouble }
        var trouble = HeartbeatTrouble(unnoted: Set(consumers), isLockMissing: known.isLockMissing)
        var noted: [(consumer: String, isBegun: Bool)] = []
        do {
            let rows = try await control.perform(isUrgent: true) { try await $0.query(statement) }
            for row in rows {
                trouble.isLockMissing = try !row.decode(0, as: Bool.self)
                let consumer: String = try row.decode(1)
                guard try row.decode(2, as: Bool.self) else { continue }
                trouble.unnoted.remove(consumer)
                noted.append((consumer, try row.decode(3)))
            }
        } catch let error as PostgresError where error.isOfBusyTable {
            // The session lives, and with it the lock.
        }
        let isAnotherLease = state.withLock { [noted, trouble] state in
            let now = ContinuousClock.now
            let before = state.leases
            for (consumer, isBegun) in noted {
                state.leases[consumer, default: Lease(terms)].renew(sent: sent, isBegun: isBegun, now: now)
            }
            // What was the matter before is over; what else is asked may still meet a lock.
            if !state.isConnected { state.outage = nil }
            state.isConnected = true
            state.nextLook = .now
            state.trouble = trouble
            return noted.contains {
                before[$0.consumer]?.current(at: now) != state.leases[$0.consumer]?.current(at: now)
            }
        }
        connectedMetric.set(1)
        // Who relied on the lease before must look what is still this worker's.
        if isAnotherLease { for signal in observers.withLock({ $0 }) { signal.wake() } }
        trouble.report(since: known, to: options.logger)
        looking.wake()
    }

    /// What the heartbeat records of a consumer: a source that is not read comes before what the consumer says.
    private func conditionRow(_ consumer: String) -> (name: String, condition: String, reason: String) {
        let own = conditions.withLock { $0[consumer] }
        var condition = own?() ?? .flowing
        if let reason = state.withLock({ $0.waits[consumer] }) { condition = .waiting(reason) }
        if let problem = source.reader.problem {
            condition = problem.isRefusal ? .refused(problem.text) : .waiting(problem.sentence)
        }
        let isOneOff = options.runMode == .oneOff && condition == .flowing
        return (consumer, isOneOff ? Self.oneOffCondition : condition.name, condition.reason)
    }

    // MARK: The others

    /// Looks at the others behind each heartbeat, and when one of them is due to be dead.
    private func lookAtOthers() async throws {
        var arePeersNotified = false
        while true {
            let wait = state.withLock { ContinuousClock.now.duration(to: $0.nextLook) }
            if wait > .zero {
                _ = await looking.wait(atMost: min(wait, .seconds(60)))
                try Task.checkCancellation()
                continue
            }
            try await lookUnlessBusy()
            if !arePeersNotified { try await notifyPeers() }
            arePeersNotified = true
        }
    }

    private func lookUnlessBusy() async throws {
        do {
            try await look()
            try await giveUpLost()
            let wasBusy = state.withLock { state in
                defer { (state.busySince, state.outage) = (nil, nil) }
                return state.busySince.map { ContinuousClock.now - $0 > Self.suspectSilence } ?? false
            }
            if wasBusy { options.logger.notice("the tables can be used again") }
        } catch let error as PostgresError where error.isOfBusyTable {
            // It gave way to a heartbeat, behind which it comes again; or another session has locked a table.
            options.logger.debug("a look at the other workers is tried again: \(error)")
            let text = Self.outage(error)
            let isNew = state.withLock { state in
                let since = state.busySince ?? .now
                state.busySince = since
                guard ContinuousClock.now - since > Self.suspectSilence else { return false }
                defer { state.outage = text }
                return state.outage != text
            }
            if isNew { options.logger.warning("\(text), waiting for it: \(error)") }
        }
    }

    /// Asks the server whether it is at work for the connections that wait for an answer; one that it takes for idle has lost
    /// its question or its answer on the way.
    private func giveUpLost() async throws {
        guard let connections = source.configuration.connections else { return }
        let waiting = connections.processes(silentFor: Self.suspectSilence)
        if waiting.isEmpty { return }
        let statement = BoundStatement(
            Statement(
                name: "sessions_idle",
                sql: "SELECT pid FROM pg_catalog.pg_stat_activity WHERE pid = ANY($1) AND state LIKE 'idle%'"),
            [waiting])
        let idle: [Int32] = try await control.perform { try await $0.query(statement).map { try $0.decode(0) } }
        connections.giveUp(idle, silentFor: Self.suspectSilence)
    }

    private static let suspectSilence: Duration = .seconds(5)

    /// One look, in one round trip; in two where something has changed.
    private func look() async throws {
        let (isListing, missing) = state.withLock { state in
            // A heartbeat meanwhile wants another look.
            state.nextLook = .now.advanced(by: .seconds(3600))
            return (state.nextList <= .now, state.missing.expired(at: .now))
        }
        let statements = [
            table.removeDead(
                workerID, consumers: consumers, ownStale: terms.stale, missing: missing, channel: channel ?? "",
                looksForJobs: options.looksForJobs),
            table.live(consumers, ownStale: terms.stale), segments.list(consumers),
        ]
        let results = try await control.perform {
            try await $0.pipeline(isListing ? statements : statements.dropLast())
        }
        let (workers, drained, nextSuspect) = try readLive(results[1])
        let freed: Int = try results[0].first?.decode(1) ?? 0
        if let row = results[0].first {
            let owners: [String] = try row.decode(3)
            state.withLock { $0.missing.note(owners, now: .now) }
            source.wakeups.saw(
                TriggerSight(
                    table: try row.decode(4), isInstalled: try row.decode(5), allowsPreparing: try row.decode(6),
                    hasPartitions: try row.decode(7)))
            if try row.decode(8) { source.jobsWaiting.wake() }
        }
        if let dead: String = try results[0].first?.decodeIfPresent(2) {
            options.logger.notice(
                "workers are gone, their segments are free", metadata: ["workers": "\(dead)", "segments": "\(freed)"])
        }
        if isListing {
            try take(results[2], workers, drained)
        } else if freed > 0 || workers != view.workers || drained != view.drained {
            let list = segments.list(consumers)
            try take(try await control.perform { try await $0.query(list) }, workers, drained)
        }
        state.withLock { state in
            let suspect = nextSuspect.map { ContinuousClock.now.advanced(by: max(.milliseconds(1), $0)) }
            state.nextLook = min(state.nextLook, state.nextList, suspect ?? state.nextLook)
            state.hasWorked = true
        }
    }

    /// The live workers, the consumers whose segments are to be given back, and when the first worker whose session has ended
    /// counts as dead.
    private func readLive(
        _ rows: ResultSet
    ) throws -> (workers: [String: Set<String>], drained: Set<String>, nextSuspect: Duration?) {
        var drained: Set<String> = []
        // This worker has a share also while its row is missing.
        var workers = consumers.reduce(into: [:]) { $0[$1] = Set([workerID]) }
        var nextSuspect: Duration?
        for row in rows {
            let worker: String = try row.decode(1)
            let consumer: String = try row.decode(0)
            workers[consumer, default: []].insert(worker)
            if worker == workerID {
                apply(ConsumerControl(isPaused: try row.decode(4), rate: try row.decodeIfPresent(5)), of: consumer)
                if try row.decode(6) { drained.insert(consumer) }
            }
            guard worker != workerID, try row.decode(3, as: Bool.self) else { continue }
            let remaining: Duration = .seconds(try row.decode(2, as: Double.self)) + .milliseconds(5)
            nextSuspect = min(nextSuspect ?? remaining, remaining)
        }
        return (workers, drained, nextSuspect)
    }

    private func apply(_ control: ConsumerControl, of consumer: String) {
        guard flows[consumer]?.apply(control) == true else { return }
        options.logger.notice(
            control.isPaused ? "paused by its controls" : "controls changed",
            metadata: [
                "consumer": "\(consumer)", "rate": "\(control.rate.map { "\($0) events/s" } ?? "unbounded")",
            ])
    }

    /// Takes in a list of the segments.
    private func take(_ list: ResultSet, _ workers: [String: Set<String>], _ drained: Set<String>) throws {
        var rows: [String: [MembershipView.Row]] = [:]
        for row in list {
            rows[try row.decode(0), default: []].append(
                MembershipView.Row(
                    segment: try row.decode(1), owner: try row.decodeIfPresent(2), epoch: try row.decode(3)))
        }
        state.withLock { [rows] state in
            state.view.generation += 1
            state.view.workers = workers
            state.view.segments = rows
            state.view.drained = drained
            state.nextList = .now.advanced(by: min(options.rebalanceInterval, options.effectiveAuditInterval))
        }
        for signal in observers.withLock({ $0 }) { signal.wake() }
    }
}

extension PostgresError {
    /// Whether a statement waited for a table or for others too long, on a connection that lives.
    fileprivate var isOfBusyTable: Bool {
        code == .statement && (sqlState == .lockNotAvailable || sqlState == .queryCanceled)
    }
}
