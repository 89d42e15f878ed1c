import CoreMetrics
import EventSourcing
package import Logging
package import Postgres
import Synchronization

/// Reads a source's log once for all consumers of the process: one look for each wakeup, whatever their number.
///
/// `run` serves one connection after the other. While a connection lives, the head follows the settled horizon
/// (``HeadWindow``), and up to two lanes read what lies before it for those that are behind (``ReadPlan``); both queue
/// shared batches at the subscriptions. What the events' order rests on (``StoreIdentity``) is part of each look. When the
/// connection or the log behind it changes, all subscriptions are interrupted, and begin anew at their checkpoints.
package actor LogReader {
    /// The reader's state.
    enum State: Sendable {
        /// Not connected, for example because the database is away or a standby; the reason, if there is one.
        case waiting(String?)
        /// Events are read.
        case serving(ServerLife)
        /// Nothing is read until an operator has acted.
        case refused(SourceError)

        var problem: SourceProblem? {
            switch self {
            case .serving: nil
            case .waiting(let reason): reason.map { SourceProblem(text: $0, isRefusal: false) }
            case .refused(let error): SourceProblem(text: error.description, isRefusal: true)
            }
        }
    }

    let configuration: ConnectionConfiguration
    let tables: TableNames
    let logger: Logger
    /// Woken when there may be something to do: new events, demand, or memory that came free.
    nonisolated let wakeups = WakeSignal()
    private nonisolated let hasNews = Atomic<Bool>(true)
    /// Woken when the source begins or ceases to be read.
    nonisolated let problemChanged = WakeSignals()
    private nonisolated let shownProblem = Mutex<SourceProblem?>(nil)
    private nonisolated let failures = Mutex(ReadFailures())
    /// When a session ended because nothing answered it, unless there has been another since.
    private var silenced: ContinuousClock.Instant?
    nonisolated let holdThreshold: Duration
    private var session: HeadSession?
    private(set) var state = State.waiting(nil) {
        didSet {
            let problem = state.problem
            let isNew = shownProblem.withLock { shown in
                defer { shown = problem }
                return shown != problem
            }
            if isNew { problemChanged.wake() }
        }
    }
    private var isRunning = false
    private var consumers: Set<String> = []
    private var nextID = 0
    var options = ReaderOptions()
    nonisolated let memory: MemoryBudget
    /// The last position drawn, as of the last look.
    private(set) var lastDrawn: Int64 = 0
    private var released: Int64 = 0
    nonisolated let metrics = HorizonMetrics()

    /// - Parameter holdThreshold: a transaction that holds the horizon back for longer is named in the log, once.
    init(
        _ configuration: ConnectionConfiguration, tables: TableNames, holdThreshold: Duration = .seconds(10),
        logger: Logger
    ) {
        self.configuration = configuration
        self.tables = tables
        self.holdThreshold = holdThreshold
        self.logger = logger
        memory = MemoryBudget(limit: ReaderOptions().bytesInFlight, released: wakeups)
    }

    // MARK: Running

    /// Checks on a connection of its own that the events can be read safely.
    func check() async throws {
        let connection = try await Connection.open(configuration.session(for: .reader), logger: logger)
        do {
            try await connection.execute(script: EventsTable.readingSettings)
            let query = try await HorizonQuery(tables.source, on: connection)
            let snapshot = try await query.refresh(HorizonQuery.Request(includesWriters: false), on: connection)
            _ = try query.identity(seen: snapshot.state)
            // Where `migrate` was not run yet, the others must not make room for a worker that cannot begin.
            _ = try await IdentitiesTable(tables).read([], on: connection)
            await connection.close()
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Reads for the consumers until cancelled. A database that is away is waited for, and so is an operator where the
    /// source is refused.
    func run(_ names: [String], options: ReaderOptions) async throws {
        consumers.formUnion(names)
        defer { consumers.subtract(names) }
        // Workers that share the source share its reader: one runs it at a time.
        // The log is compared with the checkpoints of all of them.
        if isRunning { await restart() }
        while isRunning { try await Task.sleep(for: .milliseconds(20)) }
        isRunning = true
        defer {
            isRunning = false
            state = .waiting(nil)
        }
        self.options = options
        memory.limit = options.bytesInFlight
        var backoff = Backoff(initial: .milliseconds(50), maximum: .seconds(2))
        while true {
            let began = ContinuousClock.now
            do {
                try await serve()
            } catch {
                try Task.checkCancellation()
                noteFailure(error)
                if error.isSilence { silenced = .now }
                try take(error)
            }
            // A session that soon ends again is no reason to hurry.
            if ContinuousClock.now - began > Self.steadyTime { backoff.reset() }
            _ = await wakeups.wait(atMost: backoff.next())
            try Task.checkCancellation()
        }
    }

    /// Sorts what has ended a session: it is waited for, the source is refused, or it is thrown on.
    private func take(_ error: any Error) throws {
        switch error {
        case let change as LogChanged:
            logger.notice("the log has changed: \(change.reason); going on from the checkpoints")
            state = .waiting(nil)
        case SourceError.columnsChanged:
            logger.notice("\(error): going on from the checkpoints")
            state = .waiting(nil)
        case is AnotherServerLife: state = .waiting("connections are to different servers")
        case SourceError.standby:
            if case .waiting(let reason?) = state, reason.contains("standby") { return }
            logger.warning("the server is a standby: waiting until it is the primary, or another answers")
            state = .waiting("the server is a standby, on which nothing can be relayed")
        case let error as SourceError where error.isRefusal:
            if case .refused(let known) = state, known == error { return }
            logger.error("the source is refused, nothing is read: \(error)")
            state = .refused(error)
        default:
            guard let database = error.postgresError, database.code != .cancelled else { throw error }
            let trouble = database.classification
            if trouble.passes || database.code == .authentication {
                logger.debug("\(trouble.reason): \(database)")
                state = .waiting(trouble.kind == .away ? "the database is away" : "the database: \(database)")
            } else {
                // Rights, columns and types can be fixed while the process waits.
                try take(SourceError.unreadable(database))
            }
        }
    }

    /// A session that lasts as long is a good one.
    private static let steadyTime: Duration = .seconds(5)

    private func serve() async throws {
        let session = try await HeadSession.open(for: self, consumers: consumers.sorted())
        if case .refused = state { logger.notice("the source is read again") }
        self.session = session
        state = .serving(session.life)
        // Those that listen may have lost the server with this one, and would not notice.
        if let silenced { configuration.connections?.giveUpListeners(openedBefore: silenced) }
        silenced = nil
        released = await session.released
        do {
            try await session.run()
            throw CancellationError()
        } catch {
            self.session = nil
            if case .serving = state { state = .waiting(nil) }
            await session.close()
            throw error
        }
    }

    /// Makes the session begin anew: another connection of the process has found another server.
    func restart() async {
        await session?.end(AnotherServerLife())
    }

    // MARK: Subscriptions

    /// Begins a subscription.
    ///
    /// - Parameters:
    ///   - life: what the caller's other knowledge rests on.
    ///   - largestPayload: larger payloads need not come; asked at each read.
    ///   - noteFiltered: told how many events the scope's filter has left out.
    /// - Throws: ``SubscriptionInterrupted`` if the reader has begun anew since.
    func subscribe(
        _ scope: EventScope, _ selection: SegmentSelection, after cursor: Int64, target: Int64?, life: ServerLife,
        largestPayload: @escaping @Sendable () -> Int = { .max },
        noteFiltered: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> Subscription {
        guard let session, session.life == life else { throw SubscriptionInterrupted() }
        nextID += 1
        let subscription = Subscription(
            id: nextID, scope: scope, selection: selection, after: cursor, target: target,
            queueBytes: max(1, options.bytesInFlight / 4), reader: wakeups, largestPayload: largestPayload,
            noteFiltered: noteFiltered)
        await session.add(subscription)
        wakeups.wake()
        return subscription
    }

    func unsubscribe(_ subscription: Subscription) async {
        subscription.finish()
        await session?.remove(subscription)
    }

    // MARK: Looking

    /// There may be new events: the next look asks for them.
    nonisolated func noteNews() {
        hasNews.store(true, ordering: .releasing)
        wakeups.wake()
    }

    /// Whether there may be new events since the last call.
    nonisolated func takeNews() -> Bool { hasNews.exchange(false, ordering: .acquiringAndReleasing) }

    /// Looks once more after this call, or shares a look that begins after it, and gives the last position drawn.
    ///
    /// - Returns: `nil` if nothing is read at the moment: nobody wants events, or the source is away or refused.
    @discardableResult func look() async throws -> Int64? {
        guard let session else { return nil }
        guard try await session.look() else { return nil }
        return lastDrawn
    }

    /// The last position drawn and, after it, the writers at this moment.
    func drawnAndWriters(life: ServerLife) async throws -> (lastDrawn: Int64, writers: Set<Writer>) {
        guard let session, session.life == life else { throw SubscriptionInterrupted() }
        return try await session.drawnAndWriters()
    }

    /// Those that write to the table at the moment, whether or not they draw positions; `nil` without a session.
    func tableWriters() async throws -> Set<Writer>? { try await session?.tableWriters() }

    /// An attempt to read has failed, in the reader or before a consumer had what it needs to subscribe.
    nonisolated func noteFailure(_ error: any Error) {
        // One that waits for a connection to be made has not tried.
        if error.postgresError?.code == .closed { return }
        let reason = (error as? LogChanged)?.reason ?? error.postgresError?.description ?? "\(error)"
        failures.withLock { $0.failed(reason, now: .now) }
    }

    /// A look begins.
    nonisolated func noteLook() { failures.withLock { $0.looking(now: .now) } }

    /// There is nothing to look for.
    nonisolated func noteRest() { failures.withLock { $0.rested(now: .now) } }

    /// Takes in how far a look has come.
    func looked(lastDrawn: Int64, released: Int64) {
        failures.withLock { $0.succeeded() }
        self.lastDrawn = lastDrawn
        self.released = released
    }

    // MARK: Status

    /// How far the log is read, without a look.
    func snapshot() async -> HorizonStatus {
        let waiting = await session?.waiting
        let status = HorizonStatus(
            position: released, latest: max(lastDrawn, released), waiting: waiting, problem: problem)
        metrics.position.set(status.position)
        metrics.latest.set(status.latest)
        metrics.waiting.set((status.waiting ?? .zero) / .seconds(1))
        return status
    }

    /// Those who hold the horizon back at the moment.
    package func holds() async throws -> [HorizonHold] { try await session?.holds() ?? [] }

    /// Whom the horizon waits for, and the sequence whose lock they hold; `nil` where it waits for nobody.
    func heldBackBy() async -> (sequence: String, writers: Set<Writer>)? {
        guard let held = await session?.heldBackBy, !held.writers.isEmpty else { return nil }
        return held
    }

    /// Names those in the log who hold the horizon back for longer than the threshold.
    func report(_ holds: [HorizonHold], at position: Int64) {
        for (index, hold) in holds.enumerated() {
            if index == 0 { metrics.heldBack(by: hold) }
            logger.warning(
                "events wait for an open transaction that may have drawn positions before them: \(hold)",
                metadata: ["position": "\(position)"])
        }
    }

    /// Why nothing is read; `nil` if events are.
    nonisolated var problem: SourceProblem? {
        let shown = shownProblem.withLock { $0 }
        if let shown, shown.isRefusal { return shown }
        return failures.withLock { $0.problem(now: .now) } ?? shown
    }

    package func close() async {
        await session?.close()
    }
}

/// How a reader works.
struct ReaderOptions: Sendable {
    /// The most events of one read.
    var rows = 4_000
    /// No further event once those of one read add up to this.
    var bytes = 4 << 20
    /// The most memory that events read and not yet done with may take.
    var bytesInFlight = 32 << 20
    /// How often a quiet reader looks whether positions that were drawn and never used can be passed.
    var horizonInterval: Duration = .seconds(30)
    /// How long to hold back a wakeup at most, at random.
    var wakeupJitter: Duration = .zero
    /// How often to look by itself; `nil` where something wakes the reader.
    var pollBackoff: PollBackoff?
}
