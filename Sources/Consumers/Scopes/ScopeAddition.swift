package import EventSourcing

/// Names of a scope that no stored event has. A pure value.
package struct UnknownScopeNames: Sendable, Equatable, CustomStringConvertible {
    /// The bounded contexts, each with the nearest stored one.
    package let boundedContexts: [Name]
    /// The aggregate types, likewise.
    package let aggregateTypes: [Name]
    /// Whether each name occurs, but no event has a context and a type of the scope together.
    package let isEmptyTogether: Bool

    package struct Name: Sendable, Equatable {
        package let name: String
        package let nearest: String?
    }

    /// - Returns: `nil` where nothing is the matter, or no event is stored at all.
    package init?(_ scope: EventScope, stored: Set<EventName>) {
        if stored.isEmpty { return nil }
        func unknown(_ names: [String], _ key: KeyPath<EventName, String>) -> [Name] {
            let known = Set(stored.map { $0[keyPath: key] })
            return names.filter { !known.contains($0) }.map {
                Name(name: $0, nearest: NearestName.of($0, among: known))
            }
        }
        boundedContexts = unknown(scope.boundedContexts, \.boundedContext)
        aggregateTypes = unknown(scope.aggregateTypes, \.aggregateType)
        let isKnown = boundedContexts.isEmpty && aggregateTypes.isEmpty
        isEmptyTogether = isKnown && !stored.contains { scope.contains($0) }
        if isKnown, !isEmptyTogether { return nil }
    }

    package var description: String {
        if isEmptyTogether { return "no stored event has both a bounded context and an aggregate type of the scope" }
        func list(_ names: [Name], _ what: String) -> [String] {
            names.map { name in
                "no stored event has the \(what) \"\(name.name)\""
                    + (name.nearest.map { "; did you mean \"\($0)\"?" } ?? "")
            }
        }
        return (list(boundedContexts, "bounded context") + list(aggregateTypes, "aggregate type"))
            .joined(separator: "; ")
    }
}

/// The stored events that a changed scope adds, as selections that `godwit republish` can make. A pure value.
package struct ScopeAddition: Sendable, Equatable {
    /// Each a product of contexts and types; an empty list of either is all that the new scope has.
    package let selections: [EventScope]
    /// The same selections by themselves, whatever the new scope is.
    package let counted: [EventScope]
    /// Where the filters differ: an event is added if the new scope has it and the old one had not.
    let filtered: (old: EventScope, new: EventScope)?
    /// Distinguishes the jobs of different changes at one position.
    private let mark: String

    package init(from old: EventScope, to new: EventScope, stored: Set<EventName>) {
        let isFilterKept = old.filter.isEquivalent(to: new.filter)
        filtered = isFilterKept && new.filter.conditions.isEmpty ? nil : (old, new)
        let wanted = stored.filter { new.contains($0) }
        var added: [String: Set<String>] = [:]
        var whole: [String: Set<String>] = [:]
        for name in wanted {
            whole[name.boundedContext, default: []].insert(name.aggregateType)
            if !isFilterKept || !old.contains(name) {
                added[name.boundedContext, default: []].insert(name.aggregateType)
            }
        }
        // Contexts of which the same types are added, all of them or some, make one selection.
        let hash = FNV1aPartitionStrategy.hash(Array("\(old.text) \(new.text)".utf8).span.bytes)
        mark = String(hash, radix: 16)
        var groups: [Set<String>?: [String]] = [:]
        for (context, types) in added { groups[types == whole[context] ? nil : types, default: []].append(context) }
        counted = groups.map { types, contexts in
            EventScope(
                aggregateTypes: types?.sorted() ?? new.aggregateTypes, boundedContexts: contexts.sorted(),
                filter: new.filter)
        }
        selections = groups.map { types, contexts in
            EventScope(
                aggregateTypes: types?.sorted() ?? [],
                boundedContexts: contexts.count == whole.count ? [] : contexts.sorted())
        }.sorted {
            ($0.boundedContexts.description, $0.aggregateTypes.description)
                < ($1.boundedContexts.description, $1.aggregateTypes.description)
        }
    }

    /// Whether the commands publish events again that were published before: the old scope had some of a type, but not all.
    package func repeats(_ eventTypes: [String]) -> Bool {
        guard let filtered else { return false }
        return eventTypes.isEmpty
            || eventTypes.contains { filtered.old.filter.wants(eventType: Array($0.utf8).span.bytes) }
    }

    package static func == (one: ScopeAddition, other: ScopeAddition) -> Bool {
        one.selections == other.selections && one.counted == other.counted && one.mark == other.mark
            && one.filtered?.old == other.filtered?.old && one.filtered?.new == other.filtered?.new
    }

    /// The commands that publish them.
    ///
    /// - Parameters:
    ///   - after: where the consumer began.
    ///   - through: the last position that was passed over.
    ///   - eventTypes: all types of the events that are added, where they are known.
    package func commands(
        _ consumer: String, after: Int64, through: Int64, eventTypes: [String] = []
    ) -> [String] {
        selections.enumerated().map { index, selection in
            let job = "added-to-\(consumer)-at-\(through)-\(mark)" + (selections.count > 1 ? "-\(index + 1)" : "")
            var words = ["godwit", "republish"] + Self.option("--job", Self.jobName(job))
            words += Self.option("--consumer", consumer)
            words += selection.boundedContexts.flatMap { Self.option("--context", $0) }
            words += selection.aggregateTypes.flatMap { Self.option("--aggregate-type", $0) }
            words += eventTypes.flatMap { Self.option("--event-type", $0) }
            if after > 0 { words += ["--from-position", "\(after + 1)"] }
            words += ["--to-position", "\(through)"]
            return words.joined(separator: " ")
        }
    }

    private static func jobName(_ text: String) -> String {
        String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "_" }.prefix(100))
    }

    /// A value that begins with a dash would be taken for an option.
    private static func option(_ name: String, _ value: String) -> [String] {
        value.hasPrefix("-") ? [quoted("\(name)=\(value)")] : [name, quoted(value)]
    }

    /// For a shell.
    private static func quoted(_ word: String) -> String {
        let isPlain =
            !word.isEmpty
            && word.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"),
                    UInt8(ascii: "/"), UInt8(ascii: ":"):
                    true
                default: false
                }
            }
        return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }
}
