/// The table of keys in the form the readers ask it.
enum ConfigurationSchema {
    private static let keys = Dictionary(uniqueKeysWithValues: ConfigurationKey.all.map { ($0.path, $0) })

    /// The names below each section, `_file` forms included, by the section's path; the top is the empty path.
    private static let children: [String: Set<String>] = {
        var children: [String: Set<String>] = [:]
        for key in ConfigurationKey.all {
            var section = ""
            for word in key.path.split(separator: ".").map(String.init) {
                children[section, default: []].insert(word)
                section = section.isEmpty ? word : "\(section).\(word)"
            }
            if key.takesFile { children[key.section, default: []].insert(key.name + "_file") }
        }
        return children
    }()

    private static let mappings = Set(
        ConfigurationKey.all.filter { $0.kind.isMapping || $0.kind == .properties }.map(\.path))

    /// Whether a key's value is a mapping with names that are not in the table.
    static func isMapping(_ pattern: String) -> Bool { mappings.contains(pattern) }

    /// The key at a path of the table.
    static func key(_ pattern: String) -> ConfigurationKey? { keys[pattern] }

    /// The key that takes its value from a file by this path, such as `database.url_file`.
    static func keyOfFile(_ pattern: String) -> ConfigurationKey? {
        guard pattern.hasSuffix("_file"), let key = keys[String(pattern.dropLast(5))], key.takesFile else { return nil }
        return key
    }

    /// The names that may stand below a section; nil when the path is none.
    static func names(below pattern: String) -> Set<String>? {
        keys[pattern] == nil ? children[pattern] : nil
    }

    /// A consumer's name becomes part of metrics, transactional ids and commands.
    static func isConsumerName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 100 && name.first != "-"
            && name.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", "_", "-", ".": true
                default: false
                }
            }
    }
}
