/// The topics that a template can lead to, as far as they can be known before any event.
///
/// Never too few: where a field's values are not known, any text may come, and a field that is used twice may differ. So "no
/// such topic" is certain, and "perhaps" is not.
package struct TopicReach: Sendable {
    private enum Part: Sendable {
        case oneOf([[UInt8]])
        /// Any number of these bytes, at least one unless it may be empty.
        case any(Set<UInt8>, mayBeEmpty: Bool)
    }

    private let parts: [Part]
    /// Whether all fields' values are known.
    package let isExact: Bool

    /// - Parameter known: the values that a field can have; a field that is missing there can have any.
    package init(_ template: TopicTemplate, known: [TopicTemplate.Field: [String]] = [:]) {
        var isExact = true
        parts = template.parts.map { part in
            switch part {
            case .literal(let text): return .oneOf([Array(text.utf8)])
            case .field(let field, let filters):
                if let values = known[field] {
                    return .oneOf(values.map { Self.legal(filters.reduce($0) { $1.apply(to: $0) }) })
                }
                isExact = false
                return .any(Self.bytes(of: field, filters), mayBeEmpty: filters.contains(.kebab))
            }
        }
        self.isExact = isExact
    }

    /// Whether some name of these is allowed.
    package func meets(_ allowlist: TopicAllowlist) -> Bool {
        allowlist.patterns.isEmpty || allowlist.patterns.contains { meets(pattern: Array($0.utf8)) }
    }

    package func contains(_ name: TopicName) -> Bool { meets(pattern: Array(name.description.utf8)) }

    /// Follows all ways through the pattern at once: the places of the pattern that the text so far can have led to.
    private func meets(pattern: [UInt8]) -> Bool {
        var places = Self.behindStars([0], pattern)
        for part in parts {
            switch part {
            case .oneOf(let texts):
                places = texts.reduce(into: Set<Int>()) { all, text in
                    all.formUnion(text.reduce(places) { Self.step($0, [$1], pattern) })
                }
            case .any(let bytes, let mayBeEmpty):
                var all = mayBeEmpty ? places : []
                var new = Self.step(places, bytes, pattern)
                while !new.isSubset(of: all) {
                    all.formUnion(new)
                    new = Self.step(new, bytes, pattern)
                }
                places = all
            }
            if places.isEmpty { return false }
        }
        return places.contains(pattern.count)
    }

    private static let star = UInt8(ascii: "*")

    private static func step(_ places: Set<Int>, _ bytes: Set<UInt8>, _ pattern: [UInt8]) -> Set<Int> {
        var next: Set<Int> = []
        for place in places where place < pattern.count {
            if pattern[place] == star {
                next.insert(place)
            } else if bytes.contains(pattern[place]) {
                next.insert(place + 1)
            }
        }
        return behindStars(next, pattern)
    }

    /// A `*` may stand for nothing.
    private static func behindStars(_ places: Set<Int>, _ pattern: [UInt8]) -> Set<Int> {
        var all = places
        for place in pattern.indices where all.contains(place) && pattern[place] == star { all.insert(place + 1) }
        return all
    }

    private static func legal(_ text: String) -> [UInt8] {
        text.map { TopicName.isLegal($0) ? $0.asciiValue ?? UInt8(ascii: "_") : UInt8(ascii: "_") }
    }

    private static func bytes(of field: TopicTemplate.Field, _ filters: [TopicTemplate.Filter]) -> Set<UInt8> {
        let digits = Set(UInt8(ascii: "0")...UInt8(ascii: "9")).union([UInt8(ascii: "-")])
        if field == .eventVersion { return digits }
        let lower = Set(UInt8(ascii: "a")...UInt8(ascii: "z"))
        let upper = Set(UInt8(ascii: "A")...UInt8(ascii: "Z"))
        let others = digits.union([UInt8(ascii: "."), UInt8(ascii: "_")])
        switch filters.last {
        case nil: return others.union(lower).union(upper)
        case .upper: return others.union(upper)
        case .lower, .kebab: return others.union(lower)
        }
    }
}
