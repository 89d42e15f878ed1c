/// `config show`: the effective configuration in the shape of the file, with each value's source.
package enum ConfigurationReport {
    package static func text(_ entries: [ConfigurationEntry]) -> String {
        var lines: [(text: String, source: String)] = []
        var open: [String] = []
        for entry in entries {
            let sections = Array(entry.path.dropLast())
            let common = zip(open, sections).prefix { $0 == $1 }.count
            for (depth, word) in sections.enumerated().dropFirst(common) {
                lines.append((indent(depth) + word + ":", ""))
            }
            open = sections
            lines.append(
                (indent(sections.count) + (entry.path.last ?? "") + ": " + plain(entry.value), entry.source.description)
            )
        }
        let width = min(60, lines.map(\.text.count).max() ?? 0)
        return lines.map { line in
            guard !line.source.isEmpty else { return line.text }
            return line.text + String(repeating: " ", count: max(0, width - line.text.count) + 2) + "# " + line.source
        }.joined(separator: "\n")
    }

    package static func json(_ entries: [ConfigurationEntry]) -> JSONValue {
        object(entries[...], depth: 0)
    }

    /// Entries of one section stand together, as the table of keys has them.
    private static func object(_ entries: ArraySlice<ConfigurationEntry>, depth: Int) -> JSONValue {
        var members: [JSONValue.Member] = []
        var rest = entries
        while let first = rest.first {
            let name = first.path[depth]
            if first.path.count == depth + 1 {
                members.append(.init(name, json(first)))
                rest = rest.dropFirst()
            } else {
                let section = rest.prefix { $0.path.count > depth + 1 && $0.path[depth] == name }
                members.append(.init(name, object(section, depth: depth + 1)))
                rest = rest.dropFirst(section.count)
            }
        }
        return .object(members)
    }

    private static func json(_ entry: ConfigurationEntry) -> JSONValue {
        let value: JSONValue =
            switch entry.value {
            case .text(let text): .string(text)
            case .list(let items): .array(items.map { .string($0) })
            case .hidden: .null
            }
        var members = [JSONValue.Member("value", value), .init("source", .string(entry.source.description))]
        if entry.value == .hidden { members.insert(.init("hidden", true), at: 1) }
        return .object(members)
    }

    private static func indent(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

    private static func plain(_ value: ConfigurationEntry.Value) -> String {
        switch value {
        case .text(let text): scalar(text)
        case .list(let items): "[" + items.map(scalar).joined(separator: ", ") + "]"
        case .hidden: "(hidden)"
        }
    }

    /// Quoted where YAML would read something else, or a terminal would act on it.
    private static func scalar(_ text: String) -> String {
        let harmless = text.unicodeScalars.allSatisfy { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_", "-", ".", "/", "@", ":", "+": true
            default: false
            }
        }
        if harmless, let first = text.first, first != "-", first != "@", first != ":", !text.hasSuffix(":") {
            return text
        }
        return JSONValue.string(text).text
    }
}
