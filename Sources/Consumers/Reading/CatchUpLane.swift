import EventSourcing
import Logging
import Postgres
import Telemetry

/// Reads settled stretches of the log for subscriptions that are behind, on a connection that is open only while there
/// are any.
struct CatchUpLane {
    let number: Int
    let session: HeadSession
    let reader: LogReader

    /// An idle lane keeps its connection for so long.
    private static let patience: Duration = .seconds(10)

    /// Reads until cancelled.
    ///
    /// - Throws: what ends the session: another server, another log, or a refusal.
    func run() async throws {
        var connection: Connection?
        do {
            try await read(&connection)
        } catch {
            await connection?.close()
            throw error
        }
    }

    private func read(_ connection: inout Connection?) async throws {
        var sizer = HeadSession.sizer(await reader.options)
        var backoff = Backoff(initial: .milliseconds(50), maximum: .seconds(2))
        while true {
            try Task.checkCancellation()
            guard let work = await session.nextStretch(for: number) else {
                if await !session.laneSignals[number].wait(atMost: Self.patience) {
                    await connection?.close()
                    connection = nil
                }
                continue
            }
            do {
                let open: Connection
                if let connection { open = connection } else { open = try await connect() }
                connection = open
                try await read(work, &sizer, on: open)
                backoff.reset()
            } catch {
                try Task.checkCancellation()
                let tookTooLong = error.postgresError?.sqlState == .queryCanceled
                await session.failed(work, tookTooLong: tookTooLong)
                guard error.isDatabaseAway else { throw error }
                reader.logger.debug("a stretch of the log could not be read: \(error)")
                if tookTooLong { continue }
                await connection?.close()
                connection = nil
                _ = await session.laneSignals[number].wait(atMost: backoff.next())
            }
        }
    }

    /// Connects to the same life of the same server as the head, since the horizon is known for that one only.
    private func connect() async throws -> Connection {
        let connection = try await Connection.open(reader.configuration.session(for: .lane), logger: reader.logger)
        do {
            try await connection.execute(script: EventsTable.readingSettings)
            try await session.life.prove(on: connection)
            return connection
        } catch {
            await connection.close()
            throw error
        }
    }

    private func read(_ work: HeadSession.LaneWork, _ sizer: inout ReadSizer, on connection: Connection) async throws {
        let start = ContinuousClock.now
        let stretch = work.stretch
        let read = session.query.events.read(
            after: stretch.after, through: stretch.through, limit: sizer.rows, bound: sizer.bound,
            largest: work.largestPayload, scope: work.scope)
        let snapshot = try await session.query.refresh(
            HorizonQuery.Request(includesWriters: false, reads: [read]), on: connection)
        let seen = try session.query.identity(seen: snapshot.state)
        guard seen.isSameLog(as: work.identity) else {
            throw LogChanged(reason: "the events table or its sequence was changed while events were read")
        }
        reader.metrics.laneTime.record(since: start)
        let rows = snapshot.reads[0]
        let table = session.query.events
        let events = try sizer.isSplit ? table.batch(beforeMissingPayload: rows) : table.batch(rows)
        let isComplete = sizer.took(events.lazy.map(\.byteCount), of: events.found)
        await session.took(
            events, of: work, through: isComplete ? stretch.through : events.last?.globalPosition ?? stretch.after,
            time: .now - start, isCut: !isComplete)
    }
}
