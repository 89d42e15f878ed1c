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
    let source: EventSource
    let consumers: [String]
    /// The condition of each consumer, by its name; others flow.
    private let conditions = Mutex<[String: @Sendable () -> ConsumerCondition]>([:])
    let options: WorkerOptions
    let terms: LeaseTerms
    let table: WorkersTable
    let segments: SegmentsTable
    let state: Mutex<State>
    let observers = Mutex<[WakeSignal]>([])
    /// What lets each consumer's events pass.
    let flows: [String: FlowControl]
    private let stopping = WakeSignal()
    private let outages: DatabaseOutages
    /// Woken when it may be time to look at the others.
    let looking = WakeSignal()
    private let connectedMetric = Metric.databaseConnected.gauge()

    struct State {
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
    func notifyPeers() async throws {
        guard let channel else { return }
        let statement = ControlsTable(tables).tell(channel)
        try await control.perform { _ = try await $0.query(statement) }
    }

    /// Where this worker listens; `nil` where it polls.
    var channel: String? {
        if case .notify(let notify) = options.wakeupSource { notify.channel } else { nil }
    }

    /// What the database is waited for.
    static func outage(_ error: any Error) -> String {
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
}
