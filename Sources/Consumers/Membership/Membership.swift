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
    private let table: WorkersTable
    private let segments: SegmentsTable
    private let state: Mutex<State>
    private let observers = Mutex<[WakeSignal]>([])
    /// What lets each consumer's events pass.
    let flows: [String: FlowControl]
    private let stopping = WakeSignal()
    private let connectedMetric = Metric.databaseConnected.gauge()

    private struct State {
        var view = MembershipView()
        var lease: Lease
        var lastHeartbeat: ContinuousClock.Instant?
        var nextList = ContinuousClock.now
        var isConnected = false
        /// Whether some heartbeat has reached the database.
        var hasWorked = false
        /// What consumers wait for before they begin, by name.
        var waits: [String: String] = [:]
    }

    /// How the heartbeat calls a consumer that ends when it has done what was there at its start.
    static let oneOffCondition = "one_off"

    init(_ source: EventSource, workerID: String, consumers: [String], options: WorkerOptions) {
        self.source = source
        self.workerID = workerID
        self.consumers = consumers
        self.options = options
        self.table = WorkersTable(source.tables)
        self.control = ControlSession(
            source.configuration, patience: (options.staleThreshold - options.leaseMargin) / 4, logger: options.logger)
        self.segments = SegmentsTable(source.tables)
        self.flows = consumers.reduce(into: [:]) { $0[$1] = FlowControl() }
        self.state = Mutex(
            State(lease: Lease(staleThreshold: options.staleThreshold, margin: options.leaseMargin)))
        source.side.set(control)
        source.wakeups.addForControls(stopping)
        source.reader.problemChanged.add(stopping)
    }

    var tables: TableNames { source.tables }

    /// Whether an error is one to wait for: the database is away, or, in a worker that has worked before, a table, a column
    /// or a right is missing that will come back.
    func isPassing(_ error: any Error) -> Bool {
        error.isDatabaseAway || (error.isMendable && state.withLock { $0.hasWorked })
    }

    var view: MembershipView { state.withLock { $0.view } }

    /// The number of the lease that holds at this instant, `nil` if none does: then the worker must not rely on its
    /// segments.
    var lease: Int? { state.withLock { $0.lease.current(at: .now) } }

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
            defer { state.nextList = min(state.nextList, soon) }
            return soon < state.nextList
        }
        if isSooner { stopping.wake() }
    }

    /// Ends the beat, and with it the membership.
    func stop() {
        stopping.close()
    }

    /// Registers and beats until stopped, then leaves. A database that is away is waited for.
    func run() async throws {
        var backoff = Backoff(initial: .milliseconds(50), maximum: .seconds(1))
        var isAway = false
        while true {
            do {
                try await control.open()
                let lock = table.lock(workerID)
                try await control.perform(isUrgent: true) { _ = try await $0.query(lock) }
                if isAway {
                    options.logger.notice("the database is back")
                    // Who waits between two attempts need not wait on.
                    source.reader.wakeups.wake()
                }
                isAway = false
                var arePeersNotified = false
                while !stopping.isClosed {
                    let wait = try await tick()
                    backoff.reset()
                    if !arePeersNotified { try await notifyPeers() }
                    arePeersNotified = true
                    _ = await stopping.wait(atMost: wait)
                    try Task.checkCancellation()
                }
                let leave = table.deregister(workerID, consumers: consumers)
                try await control.perform { _ = try await $0.query(leave) }
                try await notifyPeers()
                return await control.close()
            } catch {
                await control.close()
                try Task.checkCancellation()
                guard isPassing(error) else { throw error }
                sessionLost()
                // Where this connection got no answer, others that wait will get none either.
                source.configuration.connections?.giveUp(silentFor: Self.longSilence)
                if !isAway {
                    let trouble = error.databaseTrouble
                    let text =
                        trouble.map { $0.kind != .away } == true
                        ? "waiting for the database, \(trouble?.reason ?? "")" : "the database is away, waiting for it"
                    options.logger.warning("\(text): \(error)")
                }
                isAway = true
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

    /// A connection that has waited for so long while the control session was lost is given up.
    private static let longSilence: Duration = .seconds(3)

    private func sessionLost() {
        connectedMetric.set(0)
        state.withLock { state in
            state.isConnected = false
            guard let last = state.lastHeartbeat else { return }
            state.lease.sessionLost(lastHeartbeat: last, heartbeatInterval: options.heartbeatInterval)
        }
    }

    // MARK: One beat

    /// The heartbeat by itself, so that nothing keeps it from being sent; then what follows from it. Returns how long to
    /// wait for the next.
    private func tick() async throws -> Duration {
        let sent = ContinuousClock.now
        let beat = table.heartbeat(workerID, consumers.map(conditionRow))
        try await control.perform(isUrgent: true) { _ = try await $0.query(beat) }
        state.withLock { state in
            state.lease.renew(sent: sent, now: .now)
            state.lastHeartbeat = sent
            state.isConnected = true
            state.hasWorked = true
        }
        connectedMetric.set(1)
        let statements = [
            table.removeDead(
                workerID, consumers: consumers, staleThreshold: options.staleThreshold,
                heartbeatInterval: options.heartbeatInterval, channel: channel ?? ""),
            table.live(consumers),
        ]
        let results = try await control.perform { try await $0.pipeline(statements) }
        let (workers, nextSuspect) = try readLive(results[1])
        let freed: Int = try results[0].first?.decode(1) ?? 0
        if let row = results[0].first {
            source.wakeups.saw(
                TriggerSight(
                    table: try row.decode(3), isInstalled: try row.decode(4), allowsPreparing: try row.decode(5),
                    hasPartitions: try row.decode(6)))
        }
        if let dead: String = try results[0].first?.decodeIfPresent(2) {
            options.logger.notice(
                "workers are gone, their segments are free", metadata: ["workers": "\(dead)", "segments": "\(freed)"])
        }
        let isChanged = freed > 0 || workers != view.workers
        if isChanged || sent >= state.withLock({ $0.nextList }) {
            try await list(workers)
        }
        let regular = min(options.heartbeatInterval, ContinuousClock.now.duration(to: state.withLock { $0.nextList }))
        return max(.milliseconds(1), min(regular, nextSuspect ?? regular))
    }

    /// What the heartbeat records of a consumer: a source that is not read comes before what the consumer says.
    private func conditionRow(_ consumer: String) -> (name: String, condition: String, reason: String) {
        let own = conditions.withLock { $0[consumer] }
        var condition = own?() ?? .flowing
        if let reason = state.withLock({ $0.waits[consumer] }) { condition = .waiting(reason) }
        if let problem = source.reader.problem {
            condition = problem.isRefusal ? .refused(problem.text) : .waiting(problem.text)
        }
        let isOneOff = options.runMode == .oneOff && condition == .flowing
        return (consumer, isOneOff ? Self.oneOffCondition : condition.name, condition.reason)
    }

    /// The live workers, and when the first whose session has ended counts as dead.
    private func readLive(_ rows: ResultSet) throws -> (workers: [String: Set<String>], nextSuspect: Duration?) {
        var workers: [String: Set<String>] = [:]
        var nextSuspect: Duration?
        for row in rows {
            let worker: String = try row.decode(1)
            let consumer: String = try row.decode(0)
            workers[consumer, default: []].insert(worker)
            if worker == workerID {
                apply(ConsumerControl(isPaused: try row.decode(4), rate: try row.decodeIfPresent(5)), of: consumer)
            }
            guard worker != workerID, try row.decode(3, as: Bool.self) else { continue }
            let remaining = options.heartbeatInterval - .seconds(try row.decode(2, as: Double.self))
            nextSuspect = min(nextSuspect ?? remaining, remaining + .milliseconds(5))
        }
        return (workers, nextSuspect)
    }

    private func apply(_ control: ConsumerControl, of consumer: String) {
        guard flows[consumer]?.apply(control) == true else { return }
        options.logger.notice(
            control.isPaused ? "paused by its controls" : "controls changed",
            metadata: [
                "consumer": "\(consumer)", "rate": "\(control.rate.map { "\($0) events/s" } ?? "unbounded")",
            ])
    }

    private func list(_ workers: [String: Set<String>]) async throws {
        var rows: [String: [MembershipView.Row]] = [:]
        let statement = segments.list(consumers)
        for row in try await control.perform({ try await $0.query(statement) }) {
            rows[try row.decode(0), default: []].append(
                MembershipView.Row(
                    segment: try row.decode(1), owner: try row.decodeIfPresent(2), epoch: try row.decode(3)))
        }
        state.withLock { [rows] state in
            state.view.generation += 1
            state.view.workers = workers
            state.view.segments = rows
            state.nextList = .now.advanced(by: min(options.rebalanceInterval, options.effectiveAuditInterval))
        }
        for signal in observers.withLock({ $0 }) { signal.wake() }
    }
}
