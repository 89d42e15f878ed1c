import Consumers
import EventSourcing
import FoundationEssentials
import Postgres

/// What a search found.
struct FoundEvents: Sendable {
    /// Without payload and metadata, the newest first.
    var events: [EventRow] = []
    /// Where the next page goes on; `nil` where there is nothing more.
    var before: Int64?
    /// The lowest position that was searched, where the search ended before the beginning of the log.
    var searchedFrom: Int64?
    /// The last position of the log.
    var latest: Int64 = 0
    /// The highest position that is in the order of all events for good; `nil` where that is not known here.
    var settled: Int64?
}

/// An event as lists show it.
struct EventRow: Sendable, Hashable {
    let position: Int64
    let id: String
    let type: String
    let typeVersion: Int32
    let aggregate: AggregateIdentity
    /// `nil` where the source has none.
    let version: Int64?
    let createdAt: Date?

    init(_ event: EventView) {
        let whole = event.event
        position = whole.globalPosition
        id = whole.eventID.uuidString.lowercased()
        (type, typeVersion) = (whole.eventType, whole.eventVersion)
        aggregate = AggregateIdentity(
            boundedContext: whole.boundedContext, aggregateType: whole.aggregateType, aggregateID: whole.aggregateID)
        version = event.hasAggregateVersion ? whole.aggregateVersion : nil
        createdAt = event.hasCreatedAt ? whole.createdAt : nil
    }

    var json: JSONValue {
        [
            "position": .number(position), "event_id": .string(id), "event_type": .string(type),
            "event_version": .number(typeVersion), "bounded_context": .string(aggregate.boundedContext),
            "aggregate_type": .string(aggregate.aggregateType), "aggregate_id": .string(aggregate.aggregateID),
            "aggregate_version": version.map { .number($0) } ?? .null,
            "created_at": createdAt.map { .string(TimeText.full($0)) } ?? .null,
        ]
    }
}

/// Finds events for those who look at them, in bounded statements on one connection.
struct EventFinder: Sendable {
    private let table: EventsTable
    private let connection: Connection

    /// A search ends after so long, and says where.
    private static let patience: Duration = .seconds(3)
    /// Each statement is ended by the server after so long.
    private static let settings =
        "SET statement_timeout = '4s'; SET lock_timeout = '1s'; SET default_transaction_read_only = on"

    init(_ tables: TableNames, on connection: Connection) async throws {
        try await connection.execute(script: Self.settings)
        table = try await EventsTable.checked(tables.source, on: connection)
        // With rows hidden by a policy, what is shown would be wrong.
        try await connection.execute(script: EventsTable.readingSettings)
        self.connection = connection
    }

    func find(_ search: EventSearch) async throws -> FoundEvents {
        var found = FoundEvents()
        found.latest = try await connection.query(table.latestPosition).first?.decode(0) ?? 0
        var positions: [Int64]
        switch search.way(in: table) {
        case .position(let position): positions = [position]
        case .id(let id): positions = try await self.positions(table.position(ofEvent: id))
        case .aggregate(let id):
            guard let names = try? await table.readNames(on: connection), names.count <= 1_000 else {
                positions = try await windows(search, &found)
                break
            }
            let wanted = table.lastPositions(
                search.selection, ofAggregate: id, names: names, before: search.before ?? .max, limit: search.limit + 1)
            // An aggregate of very many events is searched in windows, which come to an end.
            if let all = try await positionsInTime(wanted) {
                positions = all
            } else {
                positions = try await windows(search, &found)
            }
        case .windows: positions = try await windows(search, &found)
        }
        if positions.count > search.limit {
            positions = Array(positions.prefix(search.limit))
            found.before = positions.last
        }
        let batch = try table.batch(await connection.query(table.readIdentities(at: positions)))
        found.events = batch.map { EventRow($0) }.filter { search.matches($0) }.reversed()
        return found
    }

    private func windows(_ search: EventSearch, _ found: inout FoundEvents) async throws -> [Int64] {
        var (last, first) = (min(found.latest, (search.before ?? .max) - 1), Int64(1))
        if search.since != nil || search.until != nil {
            guard table.hasTimes else {
                throw Failure(.usage, "the events of this source have no times: search without since and until")
            }
            let margin = TimeBisection.slack
            if let until = search.until, let end = try await position(of: until.date, found.latest) {
                last = min(last, Self.sum(end, margin))
            }
            if let since = search.since, let begin = try await position(of: since.date, found.latest) {
                first = max(1, begin - margin)
            }
        }
        var windows = SearchWindows(from: last, downTo: first)
        var positions: [Int64] = []
        let deadline = ContinuousClock.now + Self.patience
        while let window = windows.next, positions.count <= search.limit {
            let began = ContinuousClock.now
            guard began < deadline else {
                (found.searchedFrom, found.before) = (window.upperBound + 1, window.upperBound + 1)
                break
            }
            let wanted = table.lastPositions(
                search.selection, id: search.eventID, from: window.lowerBound, through: window.upperBound,
                limit: search.limit + 1 - positions.count)
            guard let some = try await positionsInTime(wanted) else {
                // The next search begins here with a short window.
                let next = Self.sum(window.upperBound, 1)
                (found.searchedFrom, found.before) = (next, next)
                break
            }
            positions += some
            windows.took(.now - began)
        }
        return positions
    }

    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, isTooLarge) = left.addingReportingOverflow(right)
        return isTooLarge ? .max : sum
    }

    /// The last position before a time; `nil` where it was not found in time.
    private func position(of date: Date, _ latest: Int64) async throws -> Int64? {
        var bisection = TimeBisection(Int64(date.timeIntervalSince1970 * 1_000_000), last: latest)
        let deadline = ContinuousClock.now + Self.patience
        while let probe = bisection.probe {
            guard ContinuousClock.now < deadline else { return nil }
            let row = try await connection.query(table.time(atOrBefore: probe)).first
            let (position, time): (Int64?, Int64?) = (try row?.decode(0), try row?.decodeIfPresent(1))
            // An event without a time says nothing: those after it are searched too.
            bisection.found(position.map { ($0, time ?? .max) })
        }
        return bisection.position
    }

    /// The whole event at a position, with a payload of so many bytes at most; `nil` where there is none.
    func event(at position: Int64, largest: Int) async throws -> EventBatch? {
        let batch = try table.batch(
            await connection.query(table.read(at: [position], maximumBytes: .max, largest: largest)))
        return batch.isEmpty ? nil : batch
    }

    /// `nil` where the server ended the statement, since it took too long.
    private func positionsInTime(_ statement: BoundStatement) async throws(PostgresError) -> [Int64]? {
        do { return try await positions(statement) } catch {
            guard error.sqlState == .queryCanceled else { throw error }
            return nil
        }
    }

    private func positions(_ statement: BoundStatement) async throws(PostgresError) -> [Int64] {
        var positions: [Int64] = []
        for row in try await connection.query(statement) { positions.append(try row.decode(0)) }
        return positions
    }
}

extension EventSearch {
    /// Whether an event that an id or a position found is within what else was asked for.
    func matches(_ event: EventRow) -> Bool {
        if let aggregate, event.aggregate.aggregateID != aggregate { return false }
        if !eventTypes.isEmpty, !eventTypes.contains(event.type) { return false }
        if !contexts.isEmpty, !contexts.contains(event.aggregate.boundedContext) { return false }
        if let since, let time = event.createdAt, time < since.date { return false }
        if let until, let time = event.createdAt, time >= until.date { return false }
        return eventID.map { $0.uuidString.lowercased() == event.id } ?? true
    }
}
