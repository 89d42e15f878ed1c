import EventSourcing
import Logging
import Postgres

/// Makes a consumer's segments at its first start, and refuses a set-up that does not fit what is recorded.
struct FirstStart {
    let name: String
    let scope: EventScope
    let source: EventSource
    let membership: Membership
    let options: WorkerOptions
    let stopping: WakeSignal
    let logger: Logger

    private var table: SegmentsTable { SegmentsTable(source.tables) }
    private var scopes: ScopesTable { ScopesTable(source.tables) }
    private var registrations: RegistrationsTable { RegistrationsTable(source.tables) }

    /// Makes the segments where there are none. Waits, until stopped, for the transactions that hold back the position at
    /// which the consumer is to begin.
    ///
    /// - Returns: how many segments are recorded; `nil` once stopped.
    func run(in life: ServerLife) async throws -> Int? {
        let (name, total) = (name, options.totalSegments)
        try await register(in: life)
        let isNew = try await membership.control.perform(in: life) { [table] connection in
            try await connection.query(table.totals(name)).first?.decode(2) == 0
        }
        if isNew {
            guard let start = try await position(in: life) else { return nil }
            let register = registrations.register(name, options.startPosition, by: membership.workerID)
            let (share, beginning) = (RetentionLock(source.tables).share, registrations.noteBeginning(name))
            let statements = [
                share, PruningsTable(source.tables).setBack(to: start), scopes.forgetWithoutSegments(name),
                table.initialize(name, totalSegments: total, start: start),
                scopes.recordStart(name, scope: scope), scopes.clearPendingStart(name),
            ]
            let owners = SegmentOwnersTable(source.tables)
            let missing = try await membership.control.perform(in: life) { connection in
                // What was delivered exactly once before, in other segments perhaps, is no progress of these.
                let isThere = try await connection.query(owners.isWritable).first?.decode(0) == true
                let all = statements + register + (isThere ? [owners.restart([name])] : [])
                return try await connection.withTransaction { transaction in
                    _ = try await transaction.pipeline(all)
                    return try await transaction.query(beginning).first?.decode(0, as: Int64.self)
                }
            }
            if let missing {
                logger.warning(
                    """
                    the consumer begins behind position \(start), but rows up to position \(missing) were removed by retention: it \
                    gets what is left of them
                    """)
            }
            // What it waited for shows no longer.
            membership.beatNow()
        }
        let recorded = try await membership.control.perform(in: life) { [table] connection in
            try await connection.query(table.totals(name)).first.map { row in
                try (0..<3).map { try row.decode($0, as: Int.self) }
            }
        }
        guard let recorded else { return nil }
        let (least, most) = (recorded[0], recorded[1])
        if least != most, let other = [least, most].first(where: { $0 != total }) {
            throw WorkerError.segmentCountMismatch(consumer: name, recorded: other, configured: total)
        }
        if recorded[2] < most { throw WorkerError.segmentsMissing(consumer: name, count: recorded[2], of: most) }
        if most != total {
            logger.notice(
                "the consumer has \(most) segments, as recorded; total_segments of \(total) would hold for a first start only"
            )
        }
        return most
    }

    /// Registers the consumer, so that nothing that it still wants is removed until it has begun.
    private func register(in life: ServerLife) async throws {
        let (name, start, actor) = (name, options.startPosition, membership.workerID)
        let (registrations, share) = (registrations, RetentionLock(source.tables).share)
        let others = OtherSchemas(source.tables)
        let missed = try await membership.control.perform(in: life) { connection in
            if try await connection.query(registrations.isRegistered(name, start)).first?.decode(0) != true {
                try await connection.withTransaction { transaction in
                    _ = try await transaction.pipeline([share] + registrations.register(name, start, by: actor))
                }
            }
            let elsewhere = try await others.removed(on: connection)
            return try await connection.query(registrations.noteMissed(name, elsewhere: elsewhere)).first.flatMap {
                row in
                MissedRows(after: try row.decode(1), through: try row.decode(2))
            }
        }
        if let missed {
            logger.error(
                """
                rows at \(missed) were removed by retention before the consumer had delivered them: it goes on with what is left, \
                and they are lost to it; once that is understood: `godwit accept-source --consumer \(name) --keep-checkpoints --yes`
                """)
        }
    }

    /// Where the consumer begins; `nil` once stopped. Everything up to there is settled, so that an event that was
    /// appended before and commits later is not taken for a new one.
    private func position(in life: ServerLife) async throws -> Int64? {
        let end: Int64
        switch options.startPosition {
        case .beginning: return 0
        case .now: end = try await now(in: life)
        case .after(let asked):
            let lastDrawn = try await source.reader.drawnAndWriters(life: life).lastDrawn
            guard asked <= lastDrawn else {
                throw WorkerError.checkpointBeyondStore(consumer: name, checkpoint: asked, lastDrawn: lastDrawn)
            }
            end = asked
        }
        defer { membership.waiting(name, for: nil) }
        var fence = SettledHorizon()
        let began = ContinuousClock.now
        var isReported = false
        while !stopping.isClosed {
            let look = try await source.reader.drawnAndWriters(life: life)
            fence.look(lastDrawn: look.lastDrawn, writers: look.writers)
            if fence.position >= end { return end }
            if !isReported, ContinuousClock.now - began > .milliseconds(500) {
                isReported = true
                let reason =
                    "the first start, behind position \(end), waits for open transactions that may have drawn "
                    + "positions up to there; `godwit doctor` names them"
                logger.notice("\(reason)")
                membership.waiting(name, for: reason)
                membership.beatNow()
            }
            _ = await stopping.wait(atMost: .milliseconds(20))
            try Task.checkCancellation()
        }
        return nil
    }

    /// The position of the consumer's first sight of the log. It is kept, so that a process that ends while it waits loses
    /// no event in between.
    private func now(in life: ServerLife) async throws -> Int64 {
        let lastDrawn = try await source.reader.drawnAndWriters(life: life).lastDrawn
        let statement = scopes.keepPendingStart(name, lastDrawn)
        let kept = try await membership.control.perform(in: life) { connection in
            try await connection.query(statement).first?.decode(0, as: Int64.self)
        }
        // A sequence that was reset meanwhile has other positions.
        return min(kept ?? lastDrawn, lastDrawn)
    }
}
