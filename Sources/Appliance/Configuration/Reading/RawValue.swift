/// A value as it was written, before its kind is looked at.
struct RawValue: Sendable, Equatable {
    enum Content: Sendable, Equatable {
        case scalar(String)
        case list([String])
        case mapping([Member])

        /// As it would be written, on one line.
        var text: String {
            switch self {
            case .scalar(let text): text
            case .list(let items): "[" + items.joined(separator: ", ") + "]"
            case .mapping(let members):
                "{ " + members.map { "\($0.name): \($0.content.text)" }.joined(separator: ", ") + " }"
            }
        }
    }

    /// A name of a mapping with its value.
    struct Member: Sendable, Equatable {
        let name: String
        let content: Content
        let source: ConfigurationSource
    }

    var content: Content
    var source: ConfigurationSource
    /// The file that the content was read from, where a key with `_file` behind it named one.
    var file: String?
}

/// What one place, the file or the environment, says: values by path, and the names of consumers in their order.
struct RawLayer: Sendable {
    /// Keyed by the full path, `consumers.identity.topic`; a property's path ends in its name, dots and all.
    var values: [ConfigurationPath: RawValue] = [:]
    /// The consumers, each with the place where it begins.
    var consumers: [(name: String, source: ConfigurationSource)] = []
    /// The sources, where they have names.
    var sources: [(name: String, source: ConfigurationSource)] = []
    var problems: [ConfigurationProblem] = []
    /// What is given and has no usable text, which a problem says: it is not missing.
    var unusable: Set<ConfigurationPath> = []
    /// The mappings that it gives as a whole: names that another layer has in them hold no longer.
    var mappings: Set<ConfigurationPath> = []
    /// Whether it could not be read at all, so that nothing is known of what it lacks.
    var isUnreadable = false

    /// The values, where the other layer's come first.
    func values(under other: RawLayer) -> [ConfigurationPath: RawValue] {
        values.filter { path, _ in
            other.mappings.isEmpty || !other.mappings.contains(ConfigurationPath(Array(path.words.dropLast())))
        }.merging(other.values) { $1 }
    }
}

/// The words on the way to a value. Words, not one text: names of consumers and properties may hold dots.
struct ConfigurationPath: Sendable, Hashable, CustomStringConvertible, ExpressibleByStringLiteral {
    var words: [String]

    init(_ words: [String]) { self.words = words }

    init(stringLiteral dotted: String) { self.init(dotted) }

    /// A path of the table, whose words hold no dots.
    init(_ dotted: String) { words = dotted.split(separator: ".").map(String.init) }

    /// The path in the table of keys: `*` for a consumer's or a source's name, without a property's or an event type's.
    var pattern: String {
        switch words.first {
        case "consumers" where words.count >= 4 && ConfigurationSchema.isMapping("consumers.*.\(words[2])"):
            "consumers.*.\(words[2])"
        case "sources" where words.count >= 2: (["sources", "*"] + words.dropFirst(2)).joined(separator: ".")
        case "consumers" where words.count >= 2: (["consumers", "*"] + words.dropFirst(2)).joined(separator: ".")
        case "kafka" where words.count >= 3 && words[1] == "properties": "kafka.properties"
        case "kafka" where words.count >= 4 && words[1...2] == ["topics", "settings"]: "kafka.topics.settings"
        default: words.joined(separator: ".")
        }
    }

    /// Whether it is where a database is.
    var isDatabaseURL: Bool { words.suffix(2) == ["database", "url"] }

    var description: String { words.joined(separator: ".") }
}
