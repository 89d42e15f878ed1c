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
    ///   a consumer.
    /// - Throws: for what is missing or wrong.
    init(_ members: [JSONValue.Member], isForm: Bool) throws(Failure) {
        func text(_ name: String) throws(Failure) -> String? {
            switch members.last(where: { $0.name == name })?.value {
            case nil, .null?: return nil
            case .string(let text)? where !text.utf8.contains(0): return text.isEmpty ? nil : text
            default: throw Failure(.usage, "\"\(name)\" must be a text")
            }
        }
        source = try text("source")
        let (consumer, aggregate) = (try text("consumer"), try text("aggregate"))
        let every = members.last { $0.name == "every" }?.value
        var chosen: [(String, Int64)] = []
        if isForm {
            for case let .string(text) in members.filter({ $0.name == "event" }).map(\.value) {
                let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, let position = Int64(parts[0]), !parts[1].isEmpty, !text.utf8.contains(0) else {
                    throw Failure(.usage, "\"event\" must be a position and a consumer")
                }
                chosen.append((String(parts[1]), position))
            }
        } else if let value = members.last(where: { $0.name == "positions" })?.value, value != .null {
            guard case .array(let items) = value, let consumer else {
                throw Failure(.usage, "\"positions\" must be a list of positions, beside \"consumer\"")
            }
            for item in items {
                guard case .number(let digits) = item, let position = Int64(digits) else {
                    throw Failure(.usage, "\"positions\" must be a list of positions")
                }
                chosen.append((consumer, position))
            }
        }
        guard chosen.count <= Self.most else {
            throw Failure(.usage, "\(Self.most) events can be named at once; name an aggregate or \"every\" instead")
        }
        if every == true || every == "true" || chosen.isEmpty && aggregate != nil {
            guard let consumer else { throw Failure(.usage, "\"consumer\" is missing") }
            byConsumer = [(consumer, [DeadLetterSelection(aggregateID: aggregate)])]
            return
        }
        guard !chosen.isEmpty else {
            throw Failure(
                .usage,
                isForm
                    ? "no event is selected"
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
}
