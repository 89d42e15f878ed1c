import Consumers
import EventSourcing
import FoundationEssentials
package import KafkaBridge
import Postgres

/// The work behind `godwit preview`.
package struct Previewing: Sendable {
    /// Which events are looked at.
    package enum Choice: Sendable, Hashable {
        /// The last ones of the log that concern the consumer.
        case last(Int)
        case position(Int64)
        /// The last ones of an aggregate.
        case aggregate(String, limit: Int)
    }

    /// What was found.
    package struct Outcome: Sendable {
        /// Ascending by position.
        package fileprivate(set) var events: [EventPreview] = []
        /// How many events that were looked at lie outside of the scope, by the reason, the most first.
        package fileprivate(set) var outside: [(reason: String, events: Int)] = []
        /// What else is to be said, a sentence each.
        package fileprivate(set) var notes: [String] = []
    }

    private let context: PreviewContext

    /// So many events of the log are looked at for those that concern the consumer, and for so long.
    private static let mostLookedAt = 100_000
    private static let patience: Duration = .seconds(30)

    package init(_ configuration: PreviewConfiguration) throws(Failure) { context = try PreviewContext(configuration) }

    package func run(_ choice: Choice) async throws -> Outcome {
        let collisions = await context.configuration.configuration.topicCollisions()
        return try await context.configuration.configuration.database.withConnection { connection in
            let log = try await PreviewLog(context.tables, on: connection)
            let (record, notes) = try await context.record(on: connection)
            let preview = ConsumerPreview(context.options, record)
            var outcome: Outcome
            switch choice {
            case .last(let count): outcome = try await last(count, log, preview)
            case .position(let position):
                outcome = try await at(position, log, preview)
                if outcome.events.isEmpty { throw try await nothing(at: position, on: connection) }
            case .aggregate(let id, let limit): outcome = try await aggregate(id, limit, log, preview)
            }
            var held = preview.held
            for index in outcome.events.indices { held.take(&outcome.events[index]) }
            outcome.notes = collisions + notes + outcome.notes
            return outcome
        }
    }

    // MARK: Choices

    private func last(_ count: Int, _ log: PreviewLog, _ preview: ConsumerPreview) async throws -> Outcome {
        var preview = preview
        var outcome = Outcome()
        var reasons: [String: Int] = [:]
        var (before, lookedAt, size) = (Int64.max, 0, max(100, min(count, 1_000)))
        let deadline = ContinuousClock.now + Self.patience
        while outcome.events.count < count {
            guard lookedAt < Self.mostLookedAt, ContinuousClock.now < deadline else {
                outcome.notes.append(
                    "only the last \(CountText.format(lookedAt)) events were looked at, from position \(before) on; "
                        + "--position shows an earlier one")
                break
            }
            let positions = try await log.positions(before: before, limit: size)
            guard let first = positions.last else { break }
            let page = try await page(positions, atMost: count - outcome.events.count, log, &preview)
            for (_, reason) in page.outside { reasons[reason, default: 0] += 1 }
            outcome.events = page.events + outcome.events
            (before, lookedAt, size) = (first, lookedAt + positions.count, min(size * 2, 1_000))
        }
        outcome.outside = reasons.map { ($0.key, $0.value) }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }
        return outcome
    }

    /// What a page of the log has: the last events that concern the consumer, and those outside of the scope behind the
    /// first of them.
    private func page(
        _ positions: [Int64], atMost most: Int, _ log: PreviewLog, _ preview: inout ConsumerPreview
    ) async throws -> (events: [EventPreview], outside: [(Int64, String)]) {
        var events: [EventPreview] = []
        var outside: [(Int64, String)] = []
        try await previews(positions, log, &preview) { event in
            if let reason = event.reason, reason.code == EventPreview.Reason.outsideScope {
                outside.append((event.position, reason.text))
            } else {
                // Only the last are kept, however large the events are.
                if events.count == most { events.removeFirst() }
                events.append(event)
            }
        }
        let first = events.count == most ? events.first?.position ?? 0 : 0
        return (events, outside.filter { $0.0 > first })
    }

    private func at(_ position: Int64, _ log: PreviewLog, _ preview: ConsumerPreview) async throws -> Outcome {
        var preview = preview
        var outcome = Outcome()
        try await previews([position], log, &preview) { outcome.events.append($0) }
        return outcome
    }

    private func nothing(at position: Int64, on connection: Connection) async throws(PostgresError) -> Failure {
        let pruned = try await PruningsTable(context.tables).read(on: connection)
        if let pruned, position <= pruned.through {
            return Failure(.nothingSelected, "there is no event at position \(position): \(pruned.sentence)")
        }
        return Failure(
            .nothingSelected,
            "there is no event at position \(position): it is deleted, was never committed, or is not committed yet")
    }

    private func aggregate(
        _ id: String, _ limit: Int, _ log: PreviewLog, _ preview: ConsumerPreview
    ) async throws -> Outcome {
        var preview = preview
        var outcome = Outcome()
        let found = try await log.positions(ofAggregate: id, limit: limit + 1)
        if let first = found.searchedFrom {
            outcome.notes.append(
                "no index finds the aggregate's events, so only positions from \(first) on were searched")
        }
        if found.positions.isEmpty {
            throw Failure(
                .nothingSelected,
                "no event of the aggregate \(LogLine.harmless(id)) was found"
                    + (found.searchedFrom.map { " from position \($0) on, where the search ended" } ?? ""))
        }
        if found.positions.count > limit {
            outcome.notes.append("the aggregate has earlier events too; --last shows more of them")
        }
        try await previews(Array(found.positions.prefix(limit)), log, &preview) { outcome.events.append($0) }
        return outcome
    }

    // MARK: Events

    private func previews(
        _ positions: [Int64], _ log: PreviewLog, _ preview: inout ConsumerPreview, _ body: (EventPreview) -> Void
    ) async throws {
        var own = preview
        try await log.read(positions) { batch in
            let topics = await context.survey.facts(of: own.topics(of: batch))
            let now = context.now
            for event in batch {
                body(own.preview(event, mayHaveDefects: batch.mayHaveDefects, topics: topics, now: now))
            }
        }
        preview = own
    }
}

extension PreviewContext {
    /// Microseconds since 1970.
    var now: Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) }
}
