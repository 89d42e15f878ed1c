import EventSourcing
import Logging
import Postgres
import Synchronization

/// Serves one consumer: claims its share of segments, feeds them, and writes their checkpoints, through changes of
/// ownership and losses of the database.
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
    /// How often checkpoints are written at most.
    let checkpointInterval: Duration
    /// Whether all segments are wanted, whoever else is there.
    let isSole: Bool
    /// Woken when there may be new events; closed to stop.
    let wakeups = WakeSignal()
    /// Where a one-off run ends: fixed at its start.
    let target = Mutex<Int64?>(nil)

    init(
        name: String, scope: EventScope, source: EventSource, membership: Membership, options: WorkerOptions,
        isSole: Bool, checkpointInterval: Duration, bytesInFlight: Int, sink: (ServingState) -> any BatchSink
    ) {
        self.name = name
        self.scope = scope
        self.source = source
        self.membership = membership
        self.options = options
        self.isSole = isSole
        self.checkpointInterval = checkpointInterval
        self.metrics = ConsumerMetrics(name)
        self.state = ServingState(membership, metrics, retryInterval: options.haltRetryInterval)
        self.flow = membership.flows[name] ?? FlowControl()
        self.sink = sink(state)
        self.table = SegmentsTable(source.tables)
        self.budget = ByteBudget(limit: bytesInFlight)
        var logger = options.logger
        logger[metadataKey: "consumer"] = "\(name)"
        self.logger = logger
        source.wakeups.add(wakeups)
    }

    /// Reads nothing more, finishes what is under way, moves the checkpoints and lets go of the segments.
    func stop() {
        wakeups.close()
        flow.close()
    }

    /// Serves the consumer until stopped, or, one-off, until everything is done.
    func run() async throws {
        var failure: (any Error)?
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.sink.run() }
                group.addTask { try await self.serve() }
                defer { group.cancelAll() }
                // The sink ends only by throwing.
                try await group.next()
            }
        } catch {
            failure = error
        }
        // Who is cancelled lets go at once.
        try Task.checkCancellation()
        await releaseSegments()
        if let failure { throw failure }
        let halts = state.withLedger { $0.halts }
        if options.runMode == .oneOff, !wakeups.isClosed, !halts.isEmpty {
            throw PublicationHalted(consumer: name, halts: halts)
        }
    }

    private func serve() async throws {
        var backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(5))
        while true {
            do {
                let session = try await ConsumerSession.open(for: self)
                do {
                    try await session.serve()
                } catch {
                    await session.close()
                    throw error
                }
                return await session.close()
            } catch is LeaseLost {
                logger.warning("what is known of the segments may be out of date: asking the database again")
            } catch {
                try Task.checkCancellation()
                guard error.isDatabaseAway else { throw error }
                logger.debug("the database is away: \(error)")
                membership.beatNow()
                // Nothing more can be done for the database; its segments are taken over.
                if wakeups.isClosed { return }
                _ = await wakeups.wait(atMost: backoff.next())
            }
        }
    }

    /// Waits for what is under way; for a bounded time once the consumer is stopped.
    func settle(finishing: Bool = false) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.sink.settle(finishing: finishing) }
            group.addTask {
                while !self.wakeups.isClosed { try await Task.sleep(for: .milliseconds(50)) }
                try await Task.sleep(for: self.options.drainTimeout)
                self.logger.warning("stopped before everything under way was done; it will be done again")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Writes the checkpoints behind what was done on another connection, as far as the database still knows of it.
    ///
    /// A server that crashed may have lost its last commits (with `synchronous_commit` off, or as a replica that took
    /// over), and gives their positions to other events, which a checkpoint beyond them would skip.
    func recordProgress(on connection: Connection) async throws(PostgresError) {
        // What is done inside the database is lost together with its checkpoint.
        guard sink.isExternal, let last = state.lastEvent else { return }
        let isKnown = try await connection.query(EventsTable(source.tables.events).holds(last)).first?.decode(0) == true
        guard isKnown else {
            logger.warning(
                "an event that was carried on is not in the database any more: it lost commits, or the event was deleted; going on from the checkpoints",
                metadata: ["position": "\(last.position)", "event": "\(last.eventID)"])
            return
        }
        let moves = state.withLedger { $0.moves(upTo: last) }
        try await connection.query(table.moveCheckpoints(name, owner: membership.workerID, moves))
        state.withLedger { $0.wrote(moves) }
    }

    /// Writes what is done and gives the segments back, on a connection of its own: the others may be broken.
    private func releaseSegments() async {
        let claims = state.withLedger { $0.claims }
        if claims.isEmpty { return }
        do throws(PostgresError) {
            let connection = try await Connection.open(source.configuration, logger: logger)
            try await recordProgress(on: connection)
            try await connection.query(
                table.release(name, owner: membership.workerID, segments: claims.map(\.segment)))
            await connection.close()
            logger.info("released", metadata: ["segments": "\(claims.count)"])
        } catch {
            logger.warning("the segments could not be released; others take them over: \(error)")
        }
    }
}
