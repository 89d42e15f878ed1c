import CoreMetrics
import EventSourcing
import Logging
import Postgres
import Telemetry

/// The reader's work on one connection: the loop that performs what ``HeadWindow`` and ``ReadPlan`` decide.
actor HeadSession {
    let life: ServerLife
    nonisolated let query: HorizonQuery
    let reader: LogReader
    let connection: Connection
    let options: ReaderOptions
    let memory: MemoryBudget
    let recognition: SourceRecognition

    var identity: StoreIdentity
    var window: HeadWindow
    var plan: ReadPlan
    var kept = KeptRows()
    var kinds = EventKinds()
    var sizer: ReadSizer
    var subscriptions: [Int: Subscription] = [:]
    /// What the subscriptions want together; grows only. Rows that were read for less are read again.
    var wanted: [EventScope] = []
    /// Counts the changes of `wanted`.
    var generation = 0
    /// The smallest limit of payloads that a row which is kept was read with.
    var largestPayload = Int.max

    var schedule: HeadSchedule
    var lastDrawn: Int64
    private var isHoldNamed = false
    var pollBackoff: PollBackoff?
    var lookWaiters: [CheckedContinuation<Bool, Never>] = []
    private var ending: (any Error)?
    private var isClosed = false
    /// Wakes each lane when there may be something to read for it.
    nonisolated let laneSignals = (0..<ReadPlan.lanes).map { _ in WakeSignal() }

    /// Rows of one read of missing positions, or of those who join, at most.
    static let smallRead = 4_000
    /// Where the horizon is further ahead of what was read than this, lanes read what lies between.
    static let jumpDistance: Int64 = 20_000

    // MARK: Opening

    /// Connects, and compares the log with what is recorded with the consumers' checkpoints.
    ///
    /// - Throws: `SourceError`; `PostgresError`.
    static func open(for reader: LogReader, consumers: [String]) async throws -> HeadSession {
        let connection = try await Connection.open(reader.configuration.session(for: .reader), logger: reader.logger)
        do {
            try await connection.execute(script: EventsTable.readingSettings)
            let life = ServerLife()
            try await connection.query(life.take)
            let query = try await HorizonQuery(reader.tables.source, on: connection)
            // Before anything shows that the source is read.
            try await query.events.checkColumns(on: connection)
            let snapshot = try await query.refresh(
                HorizonQuery.Request(includesWriters: true, reads: [query.events.latestPosition]), on: connection)
            let identity = try query.identity(seen: snapshot.state)
            if let latest: Int64 = try snapshot.reads.first?.first?.decode(0), latest > snapshot.lastDrawn {
                throw SourceError.foreignPosition(latest, lastDrawn: snapshot.lastDrawn)
            }
            let recognition = SourceRecognition(
                query, tables: reader.tables, consumers: consumers, on: connection, logger: reader.logger)
            let checkpoint = try await recognition.begin(identity)
            // Checkpoints are settled. Without any, reading begins at the first event.
            let horizon = snapshot.horizon ?? (0, [])
            let start = horizon.writers.isEmpty ? horizon.lastDrawn : min(checkpoint, horizon.lastDrawn)
            return HeadSession(
                reader, life, recognition, identity, start: start, lastDrawn: snapshot.lastDrawn,
                options: await reader.options)
        } catch {
            await connection.close()
            throw error
        }
    }

    private init(
        _ reader: LogReader, _ life: ServerLife, _ recognition: SourceRecognition, _ identity: StoreIdentity,
        start: Int64, lastDrawn: Int64, options: ReaderOptions
    ) {
        self.reader = reader
        self.life = life
        self.recognition = recognition
        connection = recognition.connection
        query = recognition.query
        self.identity = identity
        self.options = options
        memory = reader.memory
        self.lastDrawn = lastDrawn
        schedule = HeadSchedule(trailingInterval: options.horizonInterval, now: .now)
        window = HeadWindow(released: start)
        plan = ReadPlan(head: start)
        sizer = Self.sizer(options)
        pollBackoff = options.pollBackoff
    }

    static func sizer(_ options: ReaderOptions) -> ReadSizer {
        ReadSizer(rows: options.rows, bytes: options.bytes, largeBytes: options.bytesInFlight / 8)
    }

    func close() async {
        isClosed = true
        for subscription in subscriptions.values { subscription.interrupt() }
        subscriptions = [:]
        resumeLooks(false)
        await connection.close()
    }

    /// Ends the session for a reason that was found elsewhere.
    func end(_ error: any Error) {
        ending = ending ?? error
        reader.wakeups.wake()
    }

    // MARK: Subscriptions

    func add(_ subscription: Subscription) {
        if isClosed { return subscription.interrupt() }
        subscriptions[subscription.id] = subscription
        plan.add(subscription.id, cursor: subscription.cursor)
        if !wanted.contains(subscription.scope) || subscription.largestPayload() > largestPayload {
            if !wanted.contains(subscription.scope) { wanted.append(subscription.scope) }
            generation += 1
            // What was read before may lack what this one wants.
            kept.removeAll()
            window.readAgain()
            largestPayload = .max
        }
        schedule.noteNews()
        if subscription.target != nil { schedule.hastenTrailing(.now) }
    }

    func remove(_ subscription: Subscription) {
        subscriptions[subscription.id] = nil
        plan.remove(subscription.id)
        reader.wakeups.wake()
    }

    private func noteDemand() {
        let isShort = memory.isUsed(beyond: 1)
        for (id, subscription) in subscriptions {
            let isBehind = plan.members[id]?.place != .head
            let demand = subscription.demand(isReaderWaiting: isBehind || schedule.isMoreThere || isShort)
            plan.note(id, hasRoom: demand.hasRoom && (!isShort || demand.isHungry), isHungry: demand.isHungry)
        }
    }

    // MARK: The head's loop

    /// Reads until the connection is lost, the log changes, or the task is cancelled.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.lead() }
            for lane in 0..<ReadPlan.lanes {
                group.addTask { try await CatchUpLane(number: lane, session: self, reader: self.reader).run() }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func lead() async throws {
        while true {
            if let ending { throw ending }
            try Task.checkCancellation()
            noteDemand()
            reportProgressIfDue()
            if plan.hasLaggards { for signal in laneSignals { signal.wake() } }
            guard let request = nextRequest() else {
                reader.noteRest()
                await rest()
                continue
            }
            reader.noteLook()
            try await perform(request)
        }
    }

    /// What the next look asks for.
    struct LookRequest {
        var missing: [ClosedRange<Int64>] = []
        var includesWriters = false
        var readsNewer = false
        /// Whether positions that were drawn and are not visible count as missing, though nothing visible lies behind.
        var settlesTrailing = false
        var joining: (ids: [Int], after: Int64)?
    }

    private func nextRequest() -> LookRequest? {
        if reader.takeNews() { schedule.noteNews() }
        if subscriptions.isEmpty {
            resumeLooks(false)
            return nil
        }
        let now = ContinuousClock.now
        var request = LookRequest()
        let isGapDue = schedule.isGapDue(now)
        let isTrailing = isTrailingDue(now)
        if schedule.wantsNewer || isTrailing, mayReadNewer {
            for id in plan.evict() { fallBack(id) }
            request.readsNewer = plan.headMayRead
            request.settlesTrailing = request.readsNewer && isTrailing
        }
        // News may be of what is missing; the writers are listed at the gap's own pace.
        if isGapDue || request.readsNewer { request.missing = window.wanted }
        request.includesWriters = isGapDue || request.settlesTrailing
        request.joining = plan.joining
        if request.readsNewer || !request.missing.isEmpty || request.joining != nil { return request }
        // Nobody can take events; who asked for a look learns nothing by it.
        resumeLooks(false)
        return nil
    }

    /// Whether to pass positions that were drawn and never used: while nothing comes, now and then, and at once where
    /// a one-off consumer waits for it.
    private func isTrailingDue(_ now: ContinuousClock.Instant) -> Bool {
        guard lastDrawn > window.readThrough, !schedule.isMoreThere else { return false }
        return schedule.isTrailingDue(now)
            || subscriptions.values.contains { $0.target.map { $0 > window.released } ?? false }
    }

    private var mayReadNewer: Bool { window.mayReadNewer && kept.memorySize < options.bytesInFlight / 4 }

    private func fallBack(_ id: Int) {
        guard let subscription = subscriptions[id] else { return }
        plan.fellBack(id, to: subscription.dropQueue())
    }

    private func rest() async {
        let now = ContinuousClock.now
        var until = now.advanced(by: .seconds(60))
        if !subscriptions.isEmpty {
            // Where nobody can take events, demand wakes the reader.
            let settlesTrailing = lastDrawn > window.readThrough && mayReadNewer && plan.headMayRead
            until = schedule.restsUntil(now, settlesTrailing: settlesTrailing)
        }
        var polls = false
        if var backoff = pollBackoff, !subscriptions.isEmpty {
            let next = now.advanced(by: backoff.next())
            pollBackoff = backoff
            if next < until {
                until = next
                polls = true
            }
        }
        let isWoken = await reader.wakeups.wait(atMost: now.duration(to: until))
        if !isWoken, polls { schedule.noteNews() }
        if isWoken, options.wakeupJitter > .zero {
            try? await Task.sleep(for: options.wakeupJitter * Double.random(in: 0...1))
        }
    }

    // MARK: Lanes

    /// What a lane is to read.
    struct LaneWork: Sendable {
        let stretch: ReadPlan.Stretch
        let scope: EventScope
        let identity: StoreIdentity
        /// The largest payload that one of those who want it can take.
        let largestPayload: Int
    }

    func nextStretch(for lane: Int) -> LaneWork? {
        if memory.isUsed(beyond: 0.75) { return nil }
        noteDemand()
        guard let stretch = plan.nextStretch(for: lane) else { return nil }
        let members = stretch.members.compactMap { subscriptions[$0] }
        return LaneWork(
            stretch: stretch, scope: EventScope(union: members.map(\.scope)), identity: identity,
            largestPayload: members.map { $0.largestPayload() }.max() ?? .max)
    }

    /// Takes in what a lane has read of its stretch, up to a position.
    func took(_ events: EventBatch, of work: LaneWork, through position: Int64, time: Duration, isCut: Bool) {
        reader.metrics.laneEvents.increment(by: events.count)
        offer(events, through: position, isFull: true, to: work.stretch.members)
        plan.finished(work.stretch, through: position, time: time, isCut: isCut)
        reader.wakeups.wake()
    }

    func failed(_ work: LaneWork, tookTooLong: Bool) {
        plan.failed(work.stretch, tookTooLong: tookTooLong)
    }

    // MARK: For others

    /// Waits for the next look; false if there is none to be had.
    func look() async throws -> Bool {
        if isClosed { return false }
        schedule.noteNews()
        return await withCheckedContinuation { continuation in
            lookWaiters.append(continuation)
            reader.wakeups.wake()
        }
    }

    private func resumeLooks(_ result: Bool) {
        let waiters = lookWaiters
        lookWaiters = []
        for waiter in waiters { waiter.resume(returning: result) }
    }

    func drawnAndWriters() async throws -> (lastDrawn: Int64, writers: Set<Writer>) {
        let snapshot = try await query.refresh(HorizonQuery.Request(includesWriters: true), on: connection)
        return snapshot.horizon ?? (snapshot.lastDrawn, [])
    }

    func tableWriters() async throws -> Set<Writer> { try await query.tableWriters(on: connection) }

    /// Everything up to here is settled and was released.
    var released: Int64 { window.released }

    /// How long events have waited for an open transaction; `nil` if none does.
    var waiting: Duration? { schedule.gapAge(.now) }

    /// Those who hold the horizon back at the moment.
    func holds() async throws -> [HorizonHold] {
        let writers = window.heldBackBy
        if writers.isEmpty { return [] }
        return try await HorizonHolders(sequence: query.sequence).describe(writers, on: connection)
    }

    /// Whom the horizon waits for, where a gap waits.
    var heldBackBy: (sequence: String, writers: Set<Writer>) { (query.sequence, window.heldBackBy) }

    func nameHolders() async throws {
        guard let age = schedule.gapAge(.now), age > reader.holdThreshold else {
            if isHoldNamed {
                reader.logger.notice("the horizon moves again", metadata: ["position": "\(window.released)"])
            }
            isHoldNamed = false
            return
        }
        if isHoldNamed { return }
        let holds = try await holds()
        if holds.isEmpty { return }
        isHoldNamed = true
        await reader.report(holds, at: window.released)
    }
}
