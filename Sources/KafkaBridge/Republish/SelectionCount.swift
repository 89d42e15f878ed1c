package import EventSourcing
package import Postgres

/// How many selected events there are in a range, by the topic they would go to.
package struct SelectionCount: Sendable, Equatable {
    package struct Topic: Sendable, Equatable {
        package let name: String
        package var events: Int
    }

    /// Events that could not be published, by the reason.
    package struct Rejection: Sendable, Equatable {
        package let reason: String
        package var events: Int
    }

    /// By name.
    package private(set) var topics: [Topic] = []
    package private(set) var flaws: [Rejection] = []
    /// How far was counted, where the time was too short for all.
    package private(set) var countedThrough: Int64?

    package var events: Int { topics.reduce(0) { $0 + $1.events } + flaws.reduce(0) { $0 + $1.events } }

    package init() {}

    /// Counts in stretches.
    ///
    /// - Parameters:
    ///   - maximumBytes: larger payloads are flaws.
    ///   - deadline: when to give up.
    package static func take(
        _ selection: EventSelection, after: Int64, through: Int64, route: Route, maximumBytes: Int = .max,
        table: EventsTable, on connection: Connection, until deadline: ContinuousClock.Instant? = nil
    ) async throws(PostgresError) -> SelectionCount {
        var router = Router(route)
        var result = SelectionCount()
        if !selection.scope.filter.conditions.isEmpty {
            try await result.read(
                selection, after: after, through: through, &router, maximumBytes: maximumBytes, table: table,
                on: connection, until: deadline)
            result.sort()
            return result
        }
        var position = after
        while position < through {
            if let deadline, .now > deadline {
                result.countedThrough = position
                break
            }
            // Counting is cheap per event, so stretches are long; a statement's time stays bounded.
            let end = through - position > 200_000 ? position + 200_000 : through
            let rows = try await connection.query(
                table.count(selection, after: position, through: end, largerThan: maximumBytes))
            for row in rows {
                let fields = RouteFields(
                    boundedContext: try row.decodeIfPresent(0) ?? "", aggregateType: try row.decodeIfPresent(1) ?? "",
                    eventType: try row.decodeIfPresent(2) ?? "", eventVersion: try row.decodeIfPresent(3) ?? 0)
                let (count, large): (Int, Int) = (try row.decode(4), try row.decode(5))
                if !row.holdsText(columns: 0..<3) {
                    result.add(count, flaw: Self.noText)
                    continue
                }
                if large > 0 { result.add(large, flaw: Self.tooLarge(maximumBytes)) }
                result.add(count - large, router.topic(for: fields), &router)
            }
            position = end
        }
        result.sort()
        return result
    }

    /// Counts what conditions on payload or metadata want, by reading it.
    private mutating func read(
        _ selection: EventSelection, after: Int64, through: Int64, _ router: inout Router, maximumBytes: Int,
        table: EventsTable, on connection: Connection, until deadline: ContinuousClock.Instant?
    ) async throws(PostgresError) {
        var cursor = RangeCursor(after: after, through: through, stretch: 100_000)
        while !cursor.isAtEnd {
            if let deadline, .now > deadline {
                countedThrough = cursor.position
                break
            }
            let limit = 10_000
            let events = try table.batch(
                await connection.query(
                    table.readIdentities(selection, after: cursor.position, through: cursor.end, limit: limit)))
            for event in events where selection.scope.wants(event) {
                let isText =
                    UTF8Check.isValid(event.boundedContext) && UTF8Check.isValid(event.aggregateType)
                    && UTF8Check.isValid(event.eventType)
                if !isText {
                    add(1, flaw: Self.noText)
                } else if event.payloadLength > maximumBytes {
                    add(1, flaw: Self.tooLarge(maximumBytes))
                } else {
                    add(1, router.topic(for: event), &router)
                }
            }
            cursor.took(last: events.last?.globalPosition, isComplete: events.count < limit && !events.isCut)
        }
    }

    private static let noText = "the text of a column is not UTF-8"
    private static func tooLarge(_ bytes: Int) -> String { "the record would be larger than \(bytes) bytes" }

    private mutating func sort() {
        topics.sort { $0.name < $1.name }
        flaws.sort { $0.reason < $1.reason }
    }

    private mutating func add(_ count: Int, _ answer: Router.Answer, _ router: inout Router) {
        switch answer {
        case .success(let index): add(count, to: router.topics[index].description)
        case .failure(let error): add(count, flaw: error.description)
        }
    }

    private mutating func add(_ count: Int, to topic: String) {
        if let index = topics.firstIndex(where: { $0.name == topic }) {
            topics[index].events += count
        } else if count > 0 {
            topics.append(Topic(name: topic, events: count))
        }
    }

    private mutating func add(_ count: Int, flaw reason: String) {
        if let index = flaws.firstIndex(where: { $0.reason == reason }) {
            flaws[index].events += count
        } else if count > 0 {
            flaws.append(Rejection(reason: reason, events: count))
        }
    }
}

extension Row {
    /// Whether the columns are UTF-8, as far as they have values.
    fileprivate func holdsText(columns: Range<Int>) -> Bool {
        columns.allSatisfy { column in bytes(column).withUnsafeBytes { UTF8Check.isValid($0) } }
    }
}
