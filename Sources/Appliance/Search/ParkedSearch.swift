import KafkaBridge

/// Which parked events an operator asks to see. A pure value.
struct ParkedSearch: Sendable, Hashable {
    var source: String?
    var consumer: String?
    var aggregate: String?
    var state: DeadLetter.State?
    /// Whether those that only wait behind another are listed too.
    var includesFollowers = false
    var after = DeadLetterPlace()
    var limit = usual

    static let usual = 50
    static let most = 500
    static let names = ["source", "consumer", "aggregate", "state", "all", "after", "limit"]

    /// - Throws: for what is unknown or wrong, with what it must be.
    init(_ query: [String: String]) throws(Failure) {
        let terms = try SearchTerms(query, of: Self.names, for: "to list parked events by")
        (source, consumer, aggregate) = (
            try terms.text("source"), try terms.text("consumer"), try terms.text("aggregate")
        )
        if let text = try terms.text("state") {
            let states = DeadLetter.State.allCases.filter(\.isOpen)
            guard let state = states.first(where: { $0.rawValue == text }) else {
                throw Failure(.usage, "\"state\" must be one of \(states.map(\.rawValue).joined(separator: ", "))")
            }
            self.state = state
        }
        includesFollowers = ["true", "1", "on"].contains(try terms.text("all"))
        if let text = try terms.text("after") {
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let position = Int64(parts[0]) else {
                throw Failure(.usage, "\"after\" must be a position and a consumer, as an answer gave it: 120:billing")
            }
            after = DeadLetterPlace(consumer: String(parts[1]), position: position)
        }
        limit = Int(try terms.number("limit", 1...Int64(Self.most)) ?? Int64(Self.usual))
    }

    var selection: DeadLetterSelection { DeadLetterSelection(consumer: consumer, aggregateID: aggregate) }

    static func text(_ place: DeadLetterPlace) -> String { "\(place.position):\(place.consumer)" }

    /// The query of a link.
    func query(after place: DeadLetterPlace?) -> String {
        let parts: [(String, String?)] = [
            ("source", source), ("consumer", consumer), ("aggregate", aggregate), ("state", state?.rawValue),
            ("all", includesFollowers ? "true" : nil), ("after", place.map { Self.text($0) }),
            ("limit", limit == Self.usual ? nil : "\(limit)"),
        ]
        let words = parts.compactMap { name, value in value.map { "\(name)=\(PercentCoding.encode($0))" } }
        return words.isEmpty ? "" : "?" + words.joined(separator: "&")
    }
}

/// A page of parked events.
struct FoundParked: Sendable {
    var entries: [DeadLetters.Entry] = []
    /// Where the next page goes on; `nil` where there is nothing more.
    var next: DeadLetterPlace?
    /// How many there are of each consumer.
    var counts: [DeadLetters.Count] = []

    var json: JSONValue {
        [
            "events": .array(
                entries.map { entry in
                    guard case .object(let members) = entry.letter.json else { return .null }
                    return .object(
                        members + [
                            .init("waiting_with_it", .number(entry.waiting)),
                            .init("remedy", .string(ParkedRemedy.text(entry.letter))),
                            .init("next_retry", .string(ParkedRemedy.nextRetry(entry.letter, interval: nil))),
                        ])
                }),
            "next": next.map { .string(ParkedSearch.text($0)) } ?? .null,
            "counts": .array(
                counts.map {
                    [
                        "consumer": .string($0.consumer), "open": .number($0.open), "causes": .number($0.causes),
                        "halted_segments": .number($0.halted),
                    ]
                }),
        ]
    }
}

/// What to do about a parked event, and what happens by itself. A pure decision.
enum ParkedRemedy {
    static func text(_ letter: DeadLetter) -> String {
        switch letter.reason {
        case .noTopic:
            "Add the topic to `topics_allowed`, or map the event's type to one in `topics`; then redrive."
        case .tooLarge: "Raise the topic's `max.message.bytes`, or reduce the value with `projection`; then redrive."
        case .malformed: "Correct the row in the events table, then redrive; or discard the event."
        case .record: "Correct the consumer's key, headers or value, or the event; then redrive."
        case .rejected: "See in the error what the brokers refuse; once that is changed, redrive."
        case .follows: "Decide about the event that it waits behind: this one follows by itself."
        case .missing: "The event is no longer in the store: discard it, or restore it and redrive."
        case .tooMany:
            "Too many aggregates are parked: fix what is wrong with all of them and redrive, or discard them."
        }
    }

    /// - Parameter interval: after how long a halted segment tries again; `nil` where it is not known.
    static func nextRetry(_ letter: DeadLetter, interval: Duration?) -> String {
        if letter.isRedriveRequested { return "asked for: the relay that owns its segment does it within seconds" }
        switch letter.state {
        case .halted:
            return "its segment tries again by itself" + (interval.map { ", every \(AgeText.format($0))" } ?? "")
        case .redriving: return "under way"
        default: return letter.isCause ? "none by itself: redrive it" : "with the event that it waits behind"
        }
    }
}
