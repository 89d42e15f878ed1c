import FoundationEssentials

/// A job as a request asks for it, by JSON or by a form.
struct JobRequest: Sendable {
    var order: JobOrder
    /// Whether events are counted only.
    var isDryRun = false

    /// What a request may say; the last four are for whom it comes from.
    static let names = [
        "name", "kind", "consumer", "from", "since", "to", "until", "from_position", "to_position", "contexts",
        "aggregate_types", "aggregate_ids", "event_types", "topic", "rate", "courtesy", "dry_run", "actor", "token",
        "form_token", "back",
    ]

    /// - Parameter isForm: texts stand for everything then, and empty ones for nothing.
    /// - Throws: for what is missing, unknown or wrong; the parser refuses what is there twice.
    init(_ members: [JSONValue.Member], isForm: Bool, now: Date = .now) throws(Failure) {
        var reader = Reader(members: isForm ? members.filter { $0.value != "" } : members, isForm: isForm)
        try reader.check()
        isDryRun = try reader.boolean("dry_run") ?? false
        if let kind = try reader.text("kind"), kind != "republish" {
            throw Failure(.usage, "\"kind\" is \"\(LogLine.harmless(kind))\", but must be \"republish\"")
        }
        guard let consumer = try reader.text("consumer") else { throw Failure(.usage, "\"consumer\" is missing") }
        // A count needs no name.
        guard let name = try reader.text("name") ?? (isDryRun ? "count" : nil) else {
            throw Failure(.usage, "\"name\" is missing")
        }
        var selection = SelectionRequest()
        let from = try reader.oneOf("from", "since"), to = try reader.oneOf("to", "until")
        try selection.setTimes(
            from: from?.text, to: to?.text,
            names: (from: "\"\(from?.name ?? "from")\"", to: "\"\(to?.name ?? "to")\""), now: now)
        selection.fromPosition = try reader.position("from_position")
        selection.toPosition = try reader.position("to_position")
        selection.contexts = try reader.list("contexts")
        selection.aggregateTypes = try reader.list("aggregate_types")
        selection.aggregateIDs = try reader.list("aggregate_ids")
        selection.eventTypes = try reader.list("event_types")
        selection.topic = try reader.text("topic")
        order = JobOrder(
            name, consumer: consumer, selection: selection, rate: try reader.rate("rate"), isQueued: true,
            isCourteous: try reader.boolean("courtesy"))
        try order.validate()
    }

    /// Takes members of the kinds that are wanted.
    private struct Reader {
        let members: [JSONValue.Member]
        let isForm: Bool

        func check() throws(Failure) {
            for member in members {
                guard JobRequest.names.contains(member.name) else {
                    throw Failure(
                        .usage,
                        "\"\(LogLine.harmless(String(member.name.prefix(80))))\" is nothing that a job has; there are "
                            + JobRequest.names.dropLast(4).joined(separator: ", "))
                }
            }
        }

        private func value(_ name: String) -> JSONValue? {
            let value = members.first { $0.name == name }?.value
            return value == .null ? nil : value
        }

        private func wrong(_ name: String, _ what: String) -> Failure {
            Failure(.usage, "\"\(name)\" must be \(what)")
        }

        func text(_ name: String) throws(Failure) -> String? {
            guard let value = value(name) else { return nil }
            guard case .string(let text) = value, !text.isEmpty, !text.utf8.contains(0) else {
                throw wrong(name, "a text")
            }
            return text
        }

        func oneOf(_ first: String, _ second: String) throws(Failure) -> (name: String, text: String)? {
            let one = try text(first), other = try text(second)
            if one != nil, other != nil {
                throw Failure(.usage, "\"\(first)\" and \"\(second)\" mean the same: leave one out")
            }
            if let one { return (first, one) }
            return other.map { (second, $0) }
        }

        func boolean(_ name: String) throws(Failure) -> Bool? {
            switch value(name) {
            case nil: return nil
            case .boolean(let value): return value
            case .string("true") where isForm, .string("on") where isForm: return true
            case .string("false") where isForm: return false
            default: throw wrong(name, "true or false")
            }
        }

        private func number(_ name: String) throws(Failure) -> String? {
            switch value(name) {
            case nil: return nil
            case .number(let digits): return digits
            case .string(let digits) where isForm: return digits
            default: throw wrong(name, "a number")
            }
        }

        func position(_ name: String) throws(Failure) -> Int64? {
            guard let digits = try number(name) else { return nil }
            guard let position = Int64(digits), position >= 0 else { throw wrong(name, "a position, a whole number") }
            return position
        }

        func rate(_ name: String) throws(Failure) -> Double? {
            guard let digits = try number(name) else { return nil }
            guard let rate = Double(digits), rate.isFinite else { throw wrong(name, "events per second, a number") }
            return rate
        }

        /// A text stands for a list of one; in a form it may name several, separated by commas.
        func list(_ name: String) throws(Failure) -> [String] {
            switch value(name) {
            case nil: return []
            case .string(let text) where isForm:
                return text.split(separator: ",").map { String($0.drop { $0 == " " }) }.filter {
                    !$0.isEmpty && !$0.utf8.contains(0)
                }
            case .string(let text) where !text.isEmpty && !text.utf8.contains(0): return [text]
            case .array(let items):
                var texts: [String] = []
                for item in items {
                    guard case .string(let text) = item, !text.isEmpty, !text.utf8.contains(0) else {
                        throw wrong(name, "a list of texts")
                    }
                    texts.append(text)
                }
                return texts
            default: throw wrong(name, "a list of texts")
            }
        }
    }
}
