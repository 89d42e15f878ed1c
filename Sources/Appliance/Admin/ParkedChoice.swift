import KafkaBridge

/// Which parked events a request decides about at once: some of them by position, or all of a consumer or of an aggregate. A pure
/// value.
struct ParkedChoice: Sendable, Hashable {
    private(set) var source: String?
    /// By consumer, in the order they were named.
    private(set) var byConsumer: [(consumer: String, selections: [DeadLetterSelection])] = []

    /// More positions are not taken at once: an aggregate or a consumer can be named instead.
    static let most = 500

    static func == (left: ParkedChoice, right: ParkedChoice) -> Bool {
        left.source == right.source && left.byConsumer.map(\.consumer) == right.byConsumer.map(\.consumer)
            && left.byConsumer.map(\.selections) == right.byConsumer.map(\.selections)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(source)
        for part in byConsumer { hasher.combine(part.consumer) }
    }

    /// - Parameter members: `consumer` with `positions`, `aggregate` or `every`; of a form `event` as often as there are, each a position and
    ///   a consumer, or `every`, which a button of its own sends: its fields `consumer` and `aggregate` come along with each button.
    /// - Throws: for what is missing or wrong.
    init(_ members: [JSONValue.Member], isForm: Bool) throws(Failure) {
        func value(_ name: String) -> JSONValue? {
            members.last { $0.name == name }.flatMap { $0.value == .null ? nil : $0.value }
        }
        func text(_ name: String) throws(Failure) -> String? {
            switch value(name) {
            case nil: return nil
            case .string(let text)? where !text.utf8.contains(0): return text.isEmpty ? nil : text
            default: throw Failure(.usage, "\"\(name)\" must be a text")
            }
        }
        source = try text("source")
        let (consumer, aggregate) = (try text("consumer"), try text("aggregate"))
        if value("aggregate") != nil, aggregate == nil {
            throw Failure(.usage, "\"aggregate\" must not be empty: leave it out to mean all of a consumer")
        }
        let every = try Self.isEvery(value("every"), isForm: isForm)
        let chosen: [(String, Int64)]
        if isForm {
            chosen = every ? [] : try Self.events(members)
        } else {
            if value("positions") != nil, aggregate != nil || every {
                throw Failure(
                    .usage, "\"positions\" is not to be combined with \"aggregate\" or \"every\": name one of them")
            }
            chosen = try Self.positions(value("positions"), consumer)
        }
        guard chosen.count <= Self.most else {
            throw Failure(.usage, "\(Self.most) events can be named at once; name an aggregate or \"every\" instead")
        }
        // A form's aggregate only says of which everything is meant; without that nothing is selected.
        if every || !isForm && aggregate != nil {
            guard let consumer else { throw Failure(.usage, "\"consumer\" is missing") }
            byConsumer = [(consumer, [DeadLetterSelection(aggregateID: aggregate)])]
            return
        }
        guard !chosen.isEmpty else {
            throw Failure(
                .usage,
                isForm
                    ? "nothing is selected: select events in the list first"
                    : value("positions") != nil
                        ? "\"positions\" is empty: nothing is selected"
                        : "name \"positions\", \"aggregate\" or \"every\": true, beside \"consumer\"")
        }
        for (consumer, position) in chosen {
            let selection = DeadLetterSelection(position: position)
            if let index = byConsumer.firstIndex(where: { $0.consumer == consumer }) {
                byConsumer[index].selections.append(selection)
            } else {
                byConsumer.append((consumer, [selection]))
            }
        }
    }

    private static func isEvery(_ value: JSONValue?, isForm: Bool) throws(Failure) -> Bool {
        switch value {
        case nil: return false
        case .boolean(let every)? where !isForm: return every
        case .string("true")? where isForm: return true
        default: throw Failure(.usage, "\"every\" must be true or false")
        }
    }

    /// Those that a form has checked.
    private static func events(_ members: [JSONValue.Member]) throws(Failure) -> [(String, Int64)] {
        var chosen: [(String, Int64)] = []
        for case let .string(text) in members.filter({ $0.name == "event" }).map(\.value) {
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let position = Int64(parts[0]), !parts[1].isEmpty, !text.utf8.contains(0) else {
                throw Failure(.usage, "\"event\" must be a position and a consumer")
            }
            chosen.append((String(parts[1]), position))
        }
        return chosen
    }

    private static func positions(_ value: JSONValue?, _ consumer: String?) throws(Failure) -> [(String, Int64)] {
        guard let value else { return [] }
        guard case .array(let items) = value, let consumer else {
            throw Failure(.usage, "\"positions\" must be a list of positions, beside \"consumer\"")
        }
        var chosen: [(String, Int64)] = []
        for item in items {
            guard case .number(let digits) = item, let position = Int64(digits) else {
                throw Failure(.usage, "\"positions\" must be a list of positions")
            }
            chosen.append((consumer, position))
        }
        return chosen
    }
}
