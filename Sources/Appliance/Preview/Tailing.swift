import Consumers
import EventSourcing
package import KafkaBridge
import Logging
import Postgres
import UnixSignals

/// The work behind `godwit tail`: follows what a consumer would publish, settled events only, in order.
package struct Tailing: Sendable {
    private let context: PreviewContext
    private let database: ConnectionConfiguration

    /// How often it looks for new events.
    private static let interval: Duration = .milliseconds(200)
    /// An open transaction that holds events back is named after so long.
    private static let holdPatience: Duration = .seconds(3)
    /// And again after so long.
    private static let holdInterval: Duration = .seconds(30)

    package init(_ configuration: PreviewConfiguration) throws(Failure) {
        context = try PreviewContext(configuration)
        guard let database = configuration.configuration.database.connection else {
            throw Failure(.configuration, "no database is configured")
        }
        self.database = database
    }

    /// Follows until the first SIGTERM or SIGINT, or until nobody wants more.
    ///
    /// - Parameters:
    ///   - first: the first position; nil for what is drawn from now on.
    ///   - show: shows an event; false where nobody reads any more.
    ///   - report: receives what holds events up, as text.
    package func run(
        from first: Int64?, show: @escaping @Sendable (EventPreview) -> Bool,
        report: @escaping @Sendable (String) -> Void
    ) async throws {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await follow(from: first, show, report) }
            group.addTask {
                for await _ in signals {
                    // A reader that has stopped reading holds up no end.
                    ForcedExit.endQuietly(after: .seconds(1))
                    return
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func follow(
        from first: Int64?, _ show: (EventPreview) -> Bool, _ report: (String) -> Void
    ) async throws {
        let horizon = HorizonTracker(database, tables: context.tables, logger: context.logger)
        let reading = TailReading(context, database)
        do {
            try await follow(from: first, horizon, reading, show, report)
            await reading.close()
            await horizon.close()
        } catch {
            await reading.close()
            await horizon.close()
            // It was told to stop.
            if error is CancellationError || Task.isCancelled { return }
            throw error
        }
    }

    private func follow(
        from first: Int64?, _ horizon: HorizonTracker, _ reading: TailReading, _ show: (EventPreview) -> Bool,
        _ report: (String) -> Void
    ) async throws {
        var position = first.map { max(0, $0 - 1) }
        var retry = DatabaseRetry()
        var reportsHold: ContinuousClock.Instant?
        while StandardStream.output.hasReader {
            do {
                let settled = try await horizon.refresh()
                let last = try await horizon.lastDrawn()
                let after = position ?? last
                position = after
                retry.succeeded()
                // As relays do, it goes on without the horizon where no position is missing.
                let end = settled > after || last == after ? settled : try await reading.end(ofRunBehind: after)
                if end > after {
                    guard try await reading.read(after: after, through: end, show, { position = $0 }) else { return }
                }
                reportsHold = max(settled, end) < last ? reportsHold ?? .now + Self.holdPatience : nil
                if let time = reportsHold, ContinuousClock.now > time {
                    let holders = try await horizon.holds().map(\.description).joined(separator: "; ")
                    if !holders.isEmpty {
                        report("events behind position \(max(settled, end)) wait for open transactions: \(holders)")
                    }
                    reportsHold = .now + Self.holdInterval
                }
                try await Task.sleep(for: Self.interval)
            } catch {
                await reading.close()
                // What was never to be had is not waited for.
                if position == nil { throw error }
                try await retry.pause(after: error)
            }
        }
    }
}

/// Reads settled ranges for a tail, on a connection of its own. Used by one task.
private final class TailReading {
    private let context: PreviewContext
    private let database: ConnectionConfiguration
    private var table: EventsTable
    private var session: (connection: Connection, preview: ConsumerPreview, time: ContinuousClock.Instant)?
    /// As the database has it, and as the events show that went by since.
    private var held = HeldEvents(totalSegments: 1)

    private static let mostBytes = 8 << 20
    private static let mostRows = 500
    /// What the database knows of the consumer is read again after so long.
    private static let recordLife: Duration = .seconds(5)

    init(_ context: PreviewContext, _ database: ConnectionConfiguration) {
        self.context = context
        self.database = database
        table = EventsTable(context.tables.source)
    }

    /// Up to where positions follow each other without a gap: nothing that comes later can lie between them.
    func end(ofRunBehind position: Int64) async throws -> Int64 {
        let (connection, _) = try await open()
        var end = position
        for row in try await connection.query(table.firstPositions(after: position, limit: 10_000)) {
            guard try row.decode(0, as: Int64.self) == end + 1 else { break }
            end += 1
        }
        return end
    }

    /// Shows the events of a range.
    ///
    /// - Parameter passed: receives the position up to which everything is shown.
    /// - Returns: false where nobody reads any more.
    func read(
        after: Int64, through: Int64, _ show: (EventPreview) -> Bool, _ passed: (Int64) -> Void
    ) async throws -> Bool {
        var cursor = RangeCursor(after: after, through: through)
        let selection = EventSelection(scope: context.options.scope)
        while !cursor.isAtEnd {
            var (connection, preview) = try await open()
            let statement = table.read(
                selection, after: cursor.position, through: cursor.end, limit: Self.mostRows,
                maximumBytes: Self.mostBytes, largest: PreviewLog.largestPayload)
            let events = try table.batch(await connection.query(statement))
            let topics = await context.survey.facts(of: preview.topics(of: events))
            let now = context.now
            for event in events {
                try Task.checkCancellation()
                var found = preview.preview(
                    event, mayHaveDefects: events.mayHaveDefects, topics: topics, now: now)
                held.take(&found)
                if found.reason?.code != EventPreview.Reason.outsideScope, !show(found) { return false }
                passed(event.globalPosition)
            }
            session?.preview = preview
            cursor.took(
                last: events.last?.globalPosition, isComplete: events.count < Self.mostRows && !events.isCut)
            passed(cursor.position)
        }
        return true
    }

    func close() async {
        await session?.connection.close()
        session = nil
    }

    private func open() async throws -> (Connection, ConsumerPreview) {
        let now = ContinuousClock.now
        if let session, now - session.time < Self.recordLife { return (session.connection, session.preview) }
        let connection: Connection
        if let open = session?.connection {
            connection = open
        } else {
            connection = try await Connection.open(database, logger: context.logger)
        }
        session = (connection, ConsumerPreview(context.options, .init(totalSegments: 1)), now)
        try await connection.execute(script: EventsTable.readingSettings)
        table = try await EventsTable.checked(context.tables.source, on: connection)
        let preview = ConsumerPreview(context.options, try await context.record(on: connection).record)
        session = (connection, preview, now)
        held.update(preview.held, recorded: preview.recorded)
        return (connection, preview)
    }
}
