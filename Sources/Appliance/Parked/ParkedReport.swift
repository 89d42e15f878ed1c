import EventSourcing
import FoundationEssentials
import KafkaBridge

/// Dead letters for a person and for programs.
package struct ParkedReport: Sendable {
    let letters: [DeadLetter]
    /// Whether there are more than were asked for.
    var hasMore = false
    /// What was decided about them, if something was.
    var decision: ParkedEvents.Decision?

    package var json: JSONValue {
        ["events": .array(letters.map(\.json)), "more": .boolean(hasMore)]
    }

    /// A table, or one line about a decision.
    package var text: String {
        guard let decision else { return letters.isEmpty ? "nothing is parked" : table }
        let events = letters.count == 1 ? "1 event" : "\(letters.count) events"
        let positions = letters.prefix(10).map { "\($0.position)" }.joined(separator: ", ")
        let which = "at position\(letters.count == 1 ? "" : "s") \(positions)\(letters.count > 10 ? ", …" : "")"
        return switch decision {
        case .redrive:
            "redriving \(letters.count == 1 ? "1 aggregate" : "\(letters.count) aggregates") from \(events) \(which) on: "
                + "the relay does it within seconds; see `godwit parked list`"
        case .discard: "discarded \(events) \(which): what waited behind goes on within seconds"
        case .park: "parked \(events) \(which): the segments go on within seconds"
        }
    }

    /// Everything about each.
    package var details: String {
        letters.map { letter in
            let rows = [
                ("consumer", letter.consumer), ("position", "\(letter.position)"), ("segment", "\(letter.segment)"),
                ("state", letter.standing), ("event id", letter.eventID.uuidString.lowercased()),
                ("event type", letter.eventType), ("bounded context", letter.aggregate.boundedContext),
                ("aggregate type", letter.aggregate.aggregateType), ("aggregate id", letter.aggregate.aggregateID),
                ("aggregate version", "\(letter.aggregateVersion)"), ("reason", letter.reason.rawValue),
                ("error", letter.error), ("attempts", "\(letter.attempts)"),
                ("first", letter.firstAt.formatted(.iso8601)), ("last", letter.lastAt.formatted(.iso8601)),
            ]
            return rows.map { name, value in
                name + String(repeating: " ", count: 19 - name.count) + LogLine.harmless(value)
            }.joined(separator: "\n")
        }.joined(separator: "\n\n")
    }

    private var table: String {
        var rows = [["CONSUMER", "POSITION", "STATE", "ATTEMPTS", "LAST", "AGGREGATE", "EVENT TYPE", "ERROR"]]
        for letter in letters {
            rows.append(
                [
                    letter.consumer, "\(letter.position)", letter.standing, "\(letter.attempts)",
                    letter.lastAt.formatted(.iso8601),
                    "\(letter.aggregate.boundedContext)/\(letter.aggregate.aggregateType)/\(letter.aggregate.aggregateID)",
                    letter.eventType, letter.error,
                ].map(LogLine.harmless))
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { row in
            var line = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
                .joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
        return (lines + (hasMore ? ["there are more; raise --limit"] : [])).joined(separator: "\n")
    }
}

extension DeadLetter {
    /// The state in words that say what is next.
    var standing: String {
        if isRedriveRequested, state == .parked || state == .halted { return "\(state.rawValue), redrive requested" }
        return state == .parked && !isCause ? "parked behind" : state.rawValue
    }

    /// For programs.
    package var json: JSONValue {
        [
            "consumer": .string(consumer), "position": .number(position), "segment": .number(segment),
            "state": .string(state.rawValue), "is_cause": .boolean(isCause),
            "redrive_requested": .boolean(isRedriveRequested),
            "event_id": .string(eventID.uuidString.lowercased()), "event_type": .string(eventType),
            "bounded_context": .string(aggregate.boundedContext), "aggregate_type": .string(aggregate.aggregateType),
            "aggregate_id": .string(aggregate.aggregateID), "aggregate_version": .number(aggregateVersion),
            "reason": .string(reason.rawValue), "error": .string(error), "attempts": .number(attempts),
            "first_at": .string(firstAt.formatted(.iso8601)), "last_at": .string(lastAt.formatted(.iso8601)),
        ]
    }
}
