import Yams

/// Reads the YAML file into raw values, and says of each key that is not known which one was meant.
struct ConfigurationFile {
    private let name: String
    private var layer = RawLayer()

    private init(name: String) { self.name = name }

    /// Reads a file's text. Problems are in the layer, not thrown: all of them are to be reported at once.
    static func read(_ text: String, name: String) -> RawLayer {
        var reader = ConfigurationFile(name: name)
        do {
            if let root = try Yams.compose(yaml: text) {
                reader.section(root, at: ConfigurationPath([]))
            }
        } catch let error as YamlError {
            reader.report(error)
            reader.layer.isUnreadable = true
        } catch {
            reader.layer.isUnreadable = true
            reader.problem(line: 1, "the file cannot be read as YAML: \(error)")
        }
        return reader.layer
    }

    private mutating func section(_ node: Node, at path: ConfigurationPath) {
        guard case .mapping(let mapping) = node else {
            // A section of which every key is commented out is a section that says nothing.
            if isNull(node) { return }
            problem(
                node,
                path.words.isEmpty ? "the file must be a mapping of keys" : "\"\(path)\" must be a mapping of keys")
            return
        }
        for (key, value) in mapping {
            guard let word = key.scalar?.string else {
                problem(key, "a key must be plain text")
                continue
            }
            entry(word, value, keyNode: key, at: ConfigurationPath(path.words + [word]), in: path)
        }
    }

    private mutating func entry(
        _ word: String, _ value: Node, keyNode: Node, at path: ConfigurationPath, in parent: ConfigurationPath
    ) {
        let source = source(keyNode)
        if parent.words == ["consumers"] {
            guard ConfigurationSchema.isConsumerName(word) else {
                problem(
                    keyNode, "\"\(word)\" is no name for a consumer; use letters, digits, `_`, `-` and `.`, at most 100"
                )
                return
            }
            layer.consumers.append((word, source))
            section(value, at: path)
        } else if parent.pattern == "kafka.properties" {
            property(word, value, keyNode: keyNode, at: path)
        } else if let key = ConfigurationSchema.key(path.pattern) {
            if key.kind == .properties {
                section(value, at: path)
            } else {
                self.value(value, of: key, keyNode: keyNode, at: path)
            }
        } else if ConfigurationSchema.keyOfFile(path.pattern) != nil {
            scalar(value, keyNode: keyNode, at: path)
        } else if ConfigurationSchema.names(below: path.pattern) != nil {
            section(value, at: path)
        } else {
            let names = ConfigurationSchema.names(below: parent.pattern) ?? []
            problem(keyNode, "unknown key \"\(word)\"\(place(parent))\(Self.suggestion(word, among: names))")
        }
    }

    private mutating func value(_ node: Node, of key: ConfigurationKey, keyNode: Node, at path: ConfigurationPath) {
        guard key.kind == .list else {
            scalar(node, keyNode: keyNode, at: path)
            return
        }
        guard case .sequence(let sequence) = node else {
            problem(keyNode, "\"\(path)\" must be a list, for example [Identity, Billing]")
            return
        }
        var items: [String] = []
        for item in sequence {
            guard let text = item.scalar?.string, !isNull(item), !text.isEmpty else {
                problem(item, "\"\(path)\" must be a list of plain, non-empty texts")
                continue
            }
            items.append(text)
        }
        layer.values[path] = RawValue(content: .list(items), source: source(keyNode))
    }

    private mutating func property(_ word: String, _ node: Node, keyNode: Node, at path: ConfigurationPath) {
        guard node.scalar != nil else {
            problem(keyNode, "the property \"\(word)\" must be one text; write it with dots: \"compression.type: lz4\"")
            return
        }
        scalar(node, keyNode: keyNode, at: path)
    }

    private mutating func scalar(_ node: Node, keyNode: Node, at path: ConfigurationPath) {
        guard let text = node.scalar?.string else {
            problem(keyNode, "\"\(path)\" takes one value, not a list or mapping")
            return
        }
        if isNull(node) || text.isEmpty {
            problem(keyNode, "\"\(path)\" has no value; give one or remove the line")
            return
        }
        layer.values[path] = RawValue(content: .scalar(text), source: source(keyNode))
    }

    // MARK: Problems

    private mutating func report(_ error: YamlError) {
        switch error {
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.map { "\"\($0)\"" }.joined(separator: ", ")
            problem(line: context.mark.line, "the key \(names) is given more than once; keep one")
        case .scanner(_, let reason, let mark, _), .parser(_, let reason, let mark, _),
            .composer(_, let reason, let mark, _):
            problem(line: mark.line, "this is not YAML: \(reason) (column \(mark.column))")
        case .reader(let reason, _, _, _):
            problem(line: 1, "the file is not UTF-8 text: \(reason)")
        default:
            problem(line: 1, "the file cannot be read as YAML")
        }
    }

    /// `; did you mean "x"?`, or the names there are when none is near.
    static func suggestion(_ word: String, among names: Set<String>) -> String {
        if let nearest = NearestName.of(word, among: names) { return "; did you mean \"\(nearest)\"?" }
        if names.isEmpty { return "" }
        return "; known here: \(names.filter { $0 != "*" }.sorted().joined(separator: ", "))"
    }

    private func place(_ parent: ConfigurationPath) -> String {
        parent.words.isEmpty ? "" : " under \"\(parent)\""
    }

    private func isNull(_ node: Node) -> Bool {
        guard let scalar = node.scalar, scalar.style == .plain || scalar.style == .any else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    private func source(_ node: Node) -> ConfigurationSource { .file(name, line: node.mark?.line ?? 1) }

    private mutating func problem(_ node: Node, _ message: String) {
        layer.problems.append(ConfigurationProblem(source: source(node), message: message))
    }

    private mutating func problem(line: Int, _ message: String) {
        layer.problems.append(ConfigurationProblem(source: .file(name, line: line), message: message))
    }
}
