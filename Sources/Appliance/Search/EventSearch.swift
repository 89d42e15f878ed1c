import EventSourcing
import FoundationEssentials

/// What an operator looks for among the events of a source. A pure value: the query of a page or of the API in, a bounded plan out.
struct EventSearch: Sendable, Hashable {
    /// The source's name; `nil` where it was not said.
    var source: String?
    var position: Int64?
    var eventID: UUID?
    var aggregate: String?
    var eventTypes: [String] = []
    var contexts: [String] = []
    var since: TimeText?
    var until: TimeText?
    /// Only events before this position: where the page before ended.
    var before: Int64?
    var limit = Self.usual

    static let usual = 50
    static let most = 500

    /// What a query may say.
    static let names = ["source", "id", "aggregate", "type", "context", "since", "until", "before", "limit"]

    /// - Throws: for what is unknown or wrong, with what it must be.
    init(_ query: [String: String], now: Date = .now) throws(Failure) {
        let terms = try SearchTerms(query, of: Self.names, for: "to search by")
        func time(_ name: String) throws(Failure) -> TimeText? {
            guard let text = try terms.text(name) else { return nil }
            guard let time = TimeText(text, now: now) else {
                throw Failure(
                    .usage, "\"\(name)\" is \"\(LogLine.harmless(text))\", which is no time: write \(TimeText.forms)")
            }
            return time
        }
        source = try terms.text("source")
        if let id = try terms.text("id") {
            if let number = Int64(id.replacing(",", with: "")), number > 0 {
                position = number
            } else if let uuid = UUID(uuidString: id) {
                eventID = uuid
            } else {
                throw Failure(
                    .usage, "\"id\" is \"\(LogLine.harmless(id))\", but must be a position or an event's id (a UUID)")
            }
        }
        aggregate = try terms.text("aggregate")
        eventTypes =
            try terms.text("type").map { $0.split(separator: ",").map { String($0).trimmed }.filter { !$0.isEmpty } }
            ?? []
        contexts =
            try terms.text("context").map { $0.split(separator: ",").map { String($0).trimmed }.filter { !$0.isEmpty } }
            ?? []
        (since, until) = (try time("since"), try time("until"))
        if let since, let until, until.date <= since.date {
            throw Failure(.usage, "\"until\" is not after \"since\": no event lies between them")
        }
        before = try terms.number("before", 1...Int64.max)
        limit = Int(try terms.number("limit", 1...Int64(Self.most)) ?? Int64(Self.usual))
    }

    /// How positions are found, within bounds.
    enum Way: Sendable, Hashable {
        /// It is known.
        case position(Int64)
        /// Through the unique index of event ids.
        case id(UUID)
        /// Through the unique index of aggregates.
        case aggregate(String)
        /// Windows of positions, the newest first.
        case windows
    }

    func way(in table: EventsTable) -> Way {
        if let position { return .position(position) }
        if let eventID, table.hasIndexedEventIDs { return .id(eventID) }
        if let aggregate, table.hasIndexedAggregates { return .aggregate(aggregate) }
        return .windows
    }

    /// Whether anything narrows the search, so that what is listed is not just the newest.
    var isNarrowed: Bool {
        position != nil || eventID != nil || aggregate != nil || !eventTypes.isEmpty || !contexts.isEmpty
            || since != nil
            || until != nil
    }

    /// The conditions that SQL looks at.
    var selection: EventSelection {
        EventSelection(
            scope: EventScope(boundedContexts: contexts), aggregateIDs: aggregate.map { [$0] } ?? [],
            eventTypes: eventTypes, from: since?.date, until: until?.date)
    }

    /// The query of a link that goes on before a position.
    func query(before position: Int64?) -> String {
        let id = self.position.map { "\($0)" } ?? eventID?.uuidString.lowercased()
        let parts: [(String, String?)] = [
            ("source", source), ("id", id), ("aggregate", aggregate),
            ("type", eventTypes.isEmpty ? nil : eventTypes.joined(separator: ",")),
            ("context", contexts.isEmpty ? nil : contexts.joined(separator: ",")),
            ("since", since.map { TimeText.full($0.date) }), ("until", until.map { TimeText.full($0.date) }),
            ("before", position.map { "\($0)" }), ("limit", limit == Self.usual ? nil : "\(limit)"),
        ]
        let words = parts.compactMap { name, value in value.map { "\(name)=\(PercentCoding.encode($0))" } }
        return words.isEmpty ? "" : "?" + words.joined(separator: "&")
    }
}

extension String {
    /// Without spaces around it.
    var trimmed: String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" || $0 == "\r\n" }
        var text = drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return String(text)
    }
}
