/// One key of the configuration: where it is, what it takes, what it means.
package struct ConfigurationKey: Sendable {
    /// What a key takes.
    package enum Kind: Sendable, Equatable {
        /// Any text but the empty one.
        case text
        /// A file's or its own content; never shown.
        case secret
        /// A name of a table, schema or channel in PostgreSQL.
        case identifier
        case integer(ClosedRange<Int>)
        /// Bytes, with a unit: `512KiB`, `32MiB`, `1GiB`.
        case size(ClosedRange<Int>)
        /// `true` or `false`.
        case boolean
        case duration(ClosedRange<Duration>)
        case choice([String])
        /// A sequence of texts; in the environment separated by commas.
        case list
        /// One of these words, or a sequence of texts.
        case choiceOrList([String])
        /// One of these words, a sequence of texts, or a mapping of names.
        case choiceListOrMapping([String])
        /// A mapping of names; in the environment written as in the file, on one line.
        case mapping
        /// A column's name, `{ value: text }` for the same text in each event, or nothing; in the environment a name.
        case column
        /// A mapping of names to texts, with names that Godwit does not know itself.
        case properties
        /// A mapping of event types to templates; in the environment as `mapping`.
        case templates
        /// A mapping of JSON pointers to a text or a sequence of texts; in the environment as `mapping`.
        case conditions

        /// Whether it is a mapping with names that Godwit does not know itself, and that variables cannot have.
        var isMapping: Bool { self == .templates || self == .conditions }

        /// Whether a sequence of texts is a value.
        var takesList: Bool {
            switch self {
            case .list, .choiceOrList, .choiceListOrMapping: true
            default: false
            }
        }

        /// Whether a mapping is a value.
        var takesMapping: Bool {
            switch self {
            case .mapping, .choiceListOrMapping, .column: true
            default: false
            }
        }
    }

    /// The path with dots; `*` stands for a consumer's name.
    package let path: String
    package let kind: Kind
    /// What holds when the key is not given, as it would be written; nil where there is no such value.
    package let defaultText: String?
    /// Whether `run` needs it.
    package let isRequired: Bool
    /// One sentence for the reference.
    package let meaning: String

    init(_ path: String, _ kind: Kind, default defaultText: String? = nil, required: Bool = false, _ meaning: String) {
        self.path = path
        self.kind = kind
        self.defaultText = defaultText
        self.isRequired = required
        self.meaning = meaning
    }

    /// The last word of the path.
    package var name: String { path.split(separator: ".").last.map(String.init) ?? path }

    /// The path of its section.
    package var section: String { path.split(separator: ".").dropLast().joined(separator: ".") }

    /// Whether the value may come from a file named by the key with `_file` behind it.
    package var takesFile: Bool { kind == .secret }

    /// The environment variable that overrides it; `NAME` stands for a consumer's name.
    package var environmentVariable: String {
        "GODWIT_"
            + Self.environmentName(
                path.split(separator: "*", omittingEmptySubsequences: false).joined(separator: "NAME"))
    }

    /// Upper case, and `_` for everything but letters and digits.
    static func environmentName(_ text: some StringProtocol) -> String {
        String(
            text.unicodeScalars.map { scalar -> Character in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9": Character(Character(scalar).uppercased())
                default: "_"
                }
            })
    }
}
