import EventSourcing
import Logging
import Postgres

/// One stretch of a relay's work between two losses of the database: it owns the consumer's segments, feeds them, and
/// writes their checkpoints.
struct RelaySession {
    private let relay: Relay
    private let control: Connection
    private let reading: Connection
    private let table: SegmentsTable
    private let segments: [Segment]

    /// Connects, waits to become the consumer's owner, and claims its segments; `nil` if the relay was stopped
    /// meanwhile.
    static func open(for relay: Relay) async throws -> RelaySession? {
        let configuration = relay.source.configuration
        let control = try await Connection.open(configuration, logger: relay.logger)
        do {
            guard try await becomeOwner(relay, on: control) else {
                await control.close()
                return nil
            }
            let segments = try await claim(relay, on: control)
            let reading = try await Connection.open(configuration, logger: relay.logger)
            return RelaySession(
                relay: relay, control: control, reading: reading, table: SegmentsTable(relay.source.tables),
                segments: segments)
        } catch {
            await control.close()
            throw error
        }
    }

    // MARK: Ownership

    /// How often a process that stands by tries to become the owner.
    private static let standbyInterval: Duration = .seconds(1)

    private static func becomeOwner(_ relay: Relay, on control: Connection) async throws -> Bool {
        let key = "godwit consumer \(relay.source.tables.consumerSegments.text) \(relay.consumer.name)"
        var hasToldOfWaiting = false
        while true {
            let answer = try await control.query("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", key)
            if try answer.first?.decode(0, as: Bool.self) == true { return true }
            if relay.wakeups.isClosed { return false }
            if !hasToldOfWaiting { relay.logger.notice("another process works for this consumer; standing by") }
            hasToldOfWaiting = true
            _ = await relay.wakeups.wait(atMost: standbyInterval)
        }
    }

    private static func claim(_ relay: Relay, on control: Connection) async throws -> [Segment] {
        let name = relay.consumer.name
        let total = relay.options.totalSegments
        let table = SegmentsTable(relay.source.tables)
        let results = try await control.pipeline([
            table.initialize(name, totalSegments: total), table.totals(name),
            table.claimAll(name, owner: relay.options.ownerID),
        ])
        let recorded: [Int] = try (0..<3).map { try results[1].first?.decode($0) ?? 0 }
        for number in recorded where number != total {
            throw RelayError.segmentCountMismatch(consumer: name, recorded: number, configured: total)
        }
        let segments = try results[2].map { row in
            Segment(id: try row.decode(0), checkpoint: try row.decode(1), epoch: try row.decode(2))
        }
        _ = try await relay.source.horizon.look(withPositions: false)
        let lastDrawn = await relay.source.horizon.lastDrawn
        if let highest = segments.map(\.checkpoint).max(), highest > lastDrawn {
            throw RelayError.checkpointBeyondStore(consumer: name, checkpoint: highest, lastDrawn: lastDrawn)
        }
        return segments
    }

    // MARK: Work

    /// Feeds the consumer until the relay is stopped or the database is lost.
    func run(_ hand: @escaping @Sendable (FeedBatch) async throws -> Void) async throws {
        do {
            let start = try await startPosition()
            relay.logger.info("relaying", metadata: ["after": "\(start)", "segments": "\(segments.count)"])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await writeCheckpoints() }
                group.addTask { try await feed(after: start, hand) }
                // The feed ends when the relay is stopped; either fails when the database is lost.
                try await group.next()
                group.cancelAll()
            }
            try await finish()
        } catch {
            await close()
            throw error
        }
        await close()
    }

    /// Where to go on: behind what was handed over, unless somebody else worked for the consumer in between.
    private func startPosition() async throws -> Int64 {
        let continues = relay.progress.continues(with: segments)
        relay.progress.claimed(segments)
        if continues { return relay.progress.current.handedOver }
        while !relay.progress.current.isDrained {
            try Task.checkCancellation()
            _ = await relay.progress.changed.wait(atMost: .seconds(1))
        }
        let lowest = segments.map(\.checkpoint).min() ?? 0
        relay.progress.begin(after: lowest)
        return lowest
    }

    private func feed(after start: Int64, _ hand: (FeedBatch) async throws -> Void) async throws {
        let feed = Feed(
            connection: reading, table: EventsTable(relay.source.tables.events), scope: relay.consumer.scope,
            horizon: relay.source.horizon,
            selection: SegmentSelection(totalSegments: relay.options.totalSegments, owned: segments),
            wakeups: relay.wakeups,
            limits: FeedLimits(rows: relay.options.batchSize, bytes: relay.options.batchBytes), after: start)
        while let batch = try await feed.next() { try await hand(batch) }
    }

    /// Moves the checkpoints behind what is acknowledged. While batches come without a pause, many acknowledgements
    /// make one write.
    private func writeCheckpoints() async throws {
        var written: Int64 = 0
        while true {
            let acknowledged = relay.progress.current.acknowledged
            if acknowledged > written {
                try await writeCheckpoint(acknowledged)
                written = acknowledged
                try await Task.sleep(for: relay.options.checkpointInterval)
            } else {
                try Task.checkCancellation()
                _ = await relay.progress.changed.wait(atMost: .seconds(60))
            }
        }
    }

    private func writeCheckpoint(_ position: Int64) async throws(PostgresError) {
        try await control.query(
            table.moveCheckpoints(
                relay.consumer.name, owner: relay.options.ownerID, segments: segments.map(\.id), to: position))
    }

    /// Waits for what is under way, writes the last checkpoint and lets go of the segments.
    private func finish() async throws {
        let deadline = ContinuousClock.now.advanced(by: relay.options.drainTimeout)
        while !relay.progress.current.isDrained, ContinuousClock.now < deadline {
            try Task.checkCancellation()
            _ = await relay.progress.changed.wait(atMost: ContinuousClock.now.duration(to: deadline))
        }
        let state = relay.progress.current
        if !state.isDrained {
            relay.logger.warning(
                "stopped with batches unacknowledged; they will be published again",
                metadata: ["batches": "\(state.underWay)"])
        }
        try await writeCheckpoint(state.acknowledged)
        try await control.query(table.release(relay.consumer.name, owner: relay.options.ownerID))
        relay.logger.info("stopped", metadata: ["checkpoint": "\(state.acknowledged)"])
    }

    private func close() async {
        await control.close()
        await reading.close()
    }
}
