package import EventSourcing
package import Postgres

/// Asks the database how all consumers stand. It needs no process of Godwit's, and changes nothing.
package struct StatusReader: Sendable {
    private let tables: TableNames
    private let scopes: [String: EventScope]
    private let strategy: any PartitionStrategy
    private let backlogLimit: Int

    /// - Parameters:
    ///   - scopes: what each consumer wants, as far as it is known; the consumers named here are part of the status even if they were
    ///     never started.
    ///   - backlogLimit: how many waiting events are counted one by one.
    package init(
        _ tables: TableNames, scopes: [String: EventScope], backlogLimit: Int = 10_000,
        strategy: any PartitionStrategy = FNV1aPartitionStrategy()
    ) {
        self.tables = tables
        self.scopes = scopes
        self.backlogLimit = backlogLimit
        self.strategy = strategy
    }

    /// - Throws: `SourceError` where the events table is missing; `PostgresError`. What else is wrong with the source is
    ///   part of the status.
    package func read(on connection: Connection) async throws -> StoreStatus {
        try await connection.execute(script: EventsTable.readingSettings)
        let results = try await connection.pipeline([
            SegmentsTable(tables).all, WorkersTable(tables).all, ControlsTable(tables).all,
        ])
        let (segments, workers, orders) = (
            try Self.segments(results[0]), try Self.workers(results[1]), try Self.orders(results[2])
        )
        let log = try await LogState(tables, Array(segments.keys), on: connection)
        let (pruned, missed, told) = try await retention(on: connection)
        var consumers: [StoreStatus.Consumer] = []
        for name in Set(segments.keys).union(scopes.keys).sorted() {
            let rows = segments[name] ?? []
            let backlog = log.isReadable ? try await backlog(of: name, rows, latest: log.latest, on: connection) : nil
            consumers.append(
                StoreStatus.Consumer(
                    name: name,
                    segments: rows.map { row in
                        StoreStatus.Segment(
                            id: row.id, owner: row.owner, checkpoint: row.checkpoint,
                            lag: backlog?.lag(of: row.id) ?? SegmentLag(counted: 0))
                    }, workers: workers[name] ?? [], order: orders[name],
                    problem: log.problem ?? log.problems[name]))
            consumers[consumers.count - 1].beganWithout = told[name]
            consumers[consumers.count - 1].missed = missed[name]
        }
        // What was there and is removed was the latest all the same.
        var status = StoreStatus(
            latest: max(log.latest, min(pruned?.through ?? 0, log.lastDrawn)), lastDrawn: log.lastDrawn,
            writers: log.writers, consumers: consumers)
        status.pruned = pruned
        return status
    }

    /// What retention has removed, which of it consumers had not had, and up to where they were told. How consumers stand does
    /// not depend on it: an older schema has no such tables, and an upgraded role no right to them yet.
    private func retention(
        on connection: Connection
    ) async throws(PostgresError) -> (PruningRecord?, [String: MissedRows], [String: Int64]) {
        do throws(PostgresError) {
            let pruned = try await PruningsTable(tables).read(on: connection)
            let (missed, told) = try await MissedRows.read(tables, pruned, on: connection)
            return (pruned, missed, told)
        } catch {
            let passes: [SQLState] = [.undefinedTable, .undefinedColumn, .insufficientPrivilege]
            guard let state = error.sqlState, passes.contains(state) else { throw error }
            return (nil, [:], [:])
        }
    }

    /// Counts what waits, in a few bounded readings. Costs nothing where nothing waits.
    private func backlog(
        of consumer: String, _ rows: [SegmentRow], latest: Int64, on connection: Connection
    ) async throws(PostgresError) -> Backlog {
        var backlog = Backlog(
            checkpoints: rows.reduce(into: [:]) { $0[$1.id] = $1.checkpoint },
            totalSegments: rows.first?.totalSegments ?? 1, latest: latest, strategy: strategy)
        let table = EventsTable(tables.source)
        while let start = backlog.nextReading {
            let last = latest - start > Backlog.widestReading ? start + Backlog.widestReading : latest
            let scope = scopes[consumer] ?? .all
            if !scope.filter.conditions.isEmpty {
                let (events, end) = try await readWanted(scope, after: start, through: last, on: connection)
                backlog.take(from: start, through: end, events)
                continue
            }
            let result = try await connection.query(
                table.backlog(after: start, through: last, limit: backlogLimit, scope: scope))
            var events: [(position: Int64, aggregateID: [UInt8], age: Duration)] = []
            for row in result {
                // Its bytes, which decide about the segment, also where they are no text.
                let aggregateID = row.bytes(1).withUnsafeBytes { Array($0) }
                events.append((try row.decode(0), aggregateID, .seconds(try row.decode(2, as: Double.self))))
            }
            let isFull = events.count == backlogLimit
            backlog.take(from: start, through: isFull ? events.last?.position ?? last : last, events)
        }
        return backlog
    }

    /// What waits of a scope that looks into payload or metadata; and how far it was read.
    private func readWanted(
        _ scope: EventScope, after start: Int64, through last: Int64, on connection: Connection
    ) async throws(PostgresError) -> ([(position: Int64, aggregateID: [UInt8], age: Duration)], through: Int64) {
        let table = EventsTable(tables.source)
        let events = try table.batch(
            await connection.query(
                table.readIdentities(
                    EventSelection(scope: scope), after: start, through: last, limit: backlogLimit)))
        let isComplete = events.count < backlogLimit && !events.isCut
        let wanted = events.filter { scope.wants($0) }.map { event in
            (
                position: event.globalPosition, aggregateID: event.aggregateID.withUnsafeBytes { Array($0) },
                age: Duration.microseconds(WallClock.age(of: event.createdAtMicroseconds))
            )
        }
        return (wanted, isComplete ? last : events.last?.globalPosition ?? last)
    }

    // MARK: Rows

    private struct SegmentRow {
        let id: Int
        let totalSegments: Int
        let owner: String?
        let checkpoint: Int64
    }

    private static func segments(_ rows: ResultSet) throws(PostgresError) -> [String: [SegmentRow]] {
        var segments: [String: [SegmentRow]] = [:]
        for row in rows {
            segments[try row.decode(0), default: []].append(
                SegmentRow(
                    id: try row.decode(1), totalSegments: try row.decode(2), owner: try row.decodeIfPresent(3),
                    checkpoint: try row.decode(4)))
        }
        return segments
    }

    private static func workers(_ rows: ResultSet) throws(PostgresError) -> [String: [StoreStatus.Worker]] {
        var workers: [String: [StoreStatus.Worker]] = [:]
        for row in rows {
            let name: String = try row.decode(4)
            workers[try row.decode(0), default: []].append(
                StoreStatus.Worker(
                    id: try row.decode(1), lastHeartbeat: .seconds(max(0, try row.decode(2, as: Double.self))),
                    isGone: try row.decode(3), condition: ConsumerCondition(name: name, reason: try row.decode(5)),
                    isOneOff: name == Membership.oneOffCondition, hasStopped: try row.decode(6)))
        }
        return workers
    }

    private static func orders(_ rows: ResultSet) throws(PostgresError) -> [String: StoreStatus.Order] {
        var orders: [String: StoreStatus.Order] = [:]
        for row in rows {
            orders[try row.decode(0)] = StoreStatus.Order(
                control: ConsumerControl(isPaused: try row.decode(1), rate: try row.decodeIfPresent(2)),
                age: .seconds(max(0, try row.decode(3, as: Double.self))), actor: try row.decode(4))
        }
        return orders
    }
}
