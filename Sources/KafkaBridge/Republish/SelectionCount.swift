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

    package var events: Int { topics.reduce(0) { $0 + $1.events } + flaws.reduce(0) { $0 + $1.events } }

    package init() {}

    /// Counts in stretches.
    ///
    /// - Parameter maximumBytes: larger payloads are flaws.
    package static func take(
        _ selection: EventSelection, after: Int64, through: Int64, route: Route, maximumBytes: Int = .max,
        table: EventsTable, on connection: Connection
    ) async throws(PostgresError) -> SelectionCount {
        var router = Router(route)
        var result = SelectionCount()
        var position = after
        while position < through {
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
                    result.add(count, flaw: "the text of a column is not UTF-8")
                    continue
                }
                if large > 0 { result.add(large, flaw: "the record would be larger than \(maximumBytes) bytes") }
                switch router.topic(for: fields) {
                case .success(let index): result.add(count - large, to: router.topics[index].description)
                case .failure(let error): result.add(count - large, flaw: error.description)
                }
            }
            position = end
        }
        result.topics.sort { $0.name < $1.name }
        result.flaws.sort { $0.reason < $1.reason }
        return result
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
