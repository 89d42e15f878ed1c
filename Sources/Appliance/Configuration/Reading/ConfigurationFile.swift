import Consumers
import EventSourcing
import YAML

/// Reads the YAML file into raw values, and says of each key that is not known which one was meant.
struct ConfigurationFile {
    private let name: String
    private let focus: ConfigurationFocus
    private var layer = RawLayer()
    /// The place of all values, where the text is no file.
    private let place: ConfigurationSource?

    private init(name: String, focus: ConfigurationFocus, place: ConfigurationSource? = nil) {
        self.name = name
        self.focus = focus
        self.place = place
    }

    /// Reads the value of one key, written as in a file.
    static func read(
        _ text: String, of path: ConfigurationPath, from place: ConfigurationSource, focus: ConfigurationFocus
    ) -> RawLayer {
        var reader = ConfigurationFile(name: "", focus: focus, place: place)
        do throws(YAMLProblem) {
            if let node = try YAMLNode.read(text), let word = path.words.last {
                reader.entry(word, node, keyNode: node, at: path, in: ConfigurationPath(Array(path.words.dropLast())))
            }
        } catch {
            reader.problem("is not written as in a file: \(error.reason) (character \(error.column))", at: place)
        }
        return reader.layer
    }

    /// Reads a file's text. Problems are in the layer, not thrown: all of them are to be reported at once.
    ///
    /// - Parameter focus: what is outside of it is passed over, right or wrong.
    static func read(_ text: String, name: String, focus: ConfigurationFocus = .whole) -> RawLayer {
        var reader = ConfigurationFile(name: name, focus: focus)
        do throws(YAMLProblem) {
            if let root = try YAMLNode.read(text) {
                reader.section(root, at: ConfigurationPath([]))
            }
        } catch {
            reader.layer.problems.append(
                ConfigurationProblem(
                    .yamlSyntax, source: .file(name, line: error.line, column: error.column), error.reason))
            reader.layer.isUnreadable = true
        }
        return reader.layer
    }

    private mutating func section(_ node: YAMLNode, at path: ConfigurationPath) {
        guard case .mapping(let mapping) = node.content else {
            // A section of which every key is commented out is a section that says nothing.
            if isNull(node) { return }
            problem(
                node,
                path.words.isEmpty ? "the file must be a mapping of keys" : "\"\(path)\" must be a mapping of keys")
            return
        }
        for (key, value) in mapping {
            guard let word = key.text else {
                problem(key, "a key must be plain text")
                continue
            }
            entry(word, value, keyNode: key, at: ConfigurationPath(path.words + [word]), in: path)
        }
    }

    private mutating func entry(
        _ word: String, _ value: YAMLNode, keyNode: YAMLNode, at path: ConfigurationPath, in parent: ConfigurationPath
    ) {
        let source = source(keyNode)
        if parent.words == ["consumers"] {
            guard ConfigurationSchema.isConsumerName(word) || !focus.includes(path) else {
                problem(
                    keyNode, .consumerName,
                    "\"\(word)\" is no name for a consumer; use letters, digits, `_`, `-` and `.`, at most 100"
                )
                return
            }
            layer.consumers.append((word, source))
            if focus.includes(path) { section(value, at: path) }
        } else if parent.words == ["sources"] {
            guard ConfigurationSchema.isConsumerName(word) else {
                problem(
                    keyNode, .sourceName,
                    "\"\(word)\" is no name for a source; use letters, digits, `_`, `-` and `.`, at most 100")
                return
            }
            layer.sources.append((word, source))
            section(value, at: path)
        } else if !focus.includes(path) {
            return
        } else if ConfigurationSchema.key(parent.pattern)?.kind == .properties {
            property(word, value, keyNode: keyNode, at: path)
        } else if ConfigurationSchema.key(parent.pattern)?.kind == .templates {
            scalar(value, keyNode: keyNode, at: path)
        } else if ConfigurationSchema.key(parent.pattern)?.kind == .conditions {
            condition(value, keyNode: keyNode, at: path)
        } else if let key = ConfigurationSchema.key(path.pattern) {
            if key.kind == .properties || key.kind.isMapping {
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
            problem(
                keyNode, .unknownKey, "unknown key \"\(word)\"\(place(parent))\(Self.suggestion(word, among: names))")
        }
    }

    private mutating func value(
        _ node: YAMLNode, of key: ConfigurationKey, keyNode: YAMLNode, at path: ConfigurationPath
    ) {
        if case .mapping(let members) = node.content, key.kind.takesMapping {
            guard let content = mapping(members, at: path) else { return }
            layer.values[path] = RawValue(content: content, source: source(keyNode))
            return
        }
        if key.kind == .column, isNull(node) {
            // Said to be nothing.
            layer.values[path] = RawValue(content: .mapping([]), source: source(keyNode))
            return
        }
        guard case .sequence(let sequence) = node.content, key.kind.takesList else {
            if key.kind == .mapping {
                problem(keyNode, "\"\(path)\" must be a mapping, for example { /customer/name: client }")
            } else if key.kind == .list {
                problem(keyNode, "\"\(path)\" must be a list, for example \(Self.example(path))")
            } else {
                scalar(node, keyNode: keyNode, at: path)
            }
            return
        }
        layer.values[path] = RawValue(content: list(sequence, at: path), source: source(keyNode))
    }

    private static func example(_ path: ConfigurationPath) -> String {
        switch path.words.last {
        case "keep", "drop", "mask", "hash": "[/customer/email, /notes]"
        case "event_types", "except_event_types", "tombstone_on": "[OrderPlaced, OrderErased]"
        default: "[Identity, Billing]"
        }
    }

    private mutating func list(_ sequence: [YAMLNode], at path: ConfigurationPath) -> RawValue.Content {
        var items: [String] = []
        for item in sequence {
            guard let text = item.text, !isNull(item), !text.isEmpty else {
                problem(item, "\"\(path)\" must be a list of plain, non-empty texts")
                continue
            }
            items.append(text)
        }
        return .list(items)
    }

    /// A mapping whose names Godwit does not know itself; `nil` where a part of it is nothing.
    private mutating func mapping(
        _ members: [(key: YAMLNode, value: YAMLNode)], at path: ConfigurationPath
    ) -> RawValue.Content? {
        var result: [RawValue.Member] = []
        for (key, value) in members {
            guard let name = key.text, !name.isEmpty else {
                problem(key, "\"\(path)\" has a name that is no plain text")
                return nil
            }
            let content: RawValue.Content?
            switch value.content {
            case .scalar(let text, _):
                content = isNull(value) || text.isEmpty ? nil : .scalar(text)
                if content == nil {
                    problem(key, "\"\(path)\" has no value for \(name); give one or remove the name")
                }
            case .sequence(let sequence): content = list(sequence, at: path)
            case .mapping(let members): content = mapping(members, at: path)
            }
            guard let content else { return nil }
            result.append(RawValue.Member(name: name, content: content, source: source(key)))
        }
        return .mapping(result)
    }

    /// One value or several, of which `null` is one too.
    private mutating func condition(_ node: YAMLNode, keyNode: YAMLNode, at path: ConfigurationPath) {
        let nodes = if case .sequence(let sequence) = node.content { sequence } else { [node] }
        if let odd = nodes.first(where: Self.isOddNumber), let text = odd.text {
            problem(
                odd,
                "\"\(path)\" has \(text), which is no number as JSON writes it, such as 5, 16 or 0.5; in quotes it is a text"
            )
            return
        }
        let texts = nodes.compactMap(Self.conditionText)
        guard texts.count == nodes.count, !texts.isEmpty else {
            problem(keyNode, "\"\(path)\" takes a text or a list of texts, for example [DE, AT]")
            return
        }
        layer.values[path] = RawValue(content: .list(texts), source: source(keyNode))
    }

    /// A value of JSON, which has one spelling of what YAML spells in several ways; nothing is none.
    private static func conditionText(_ node: YAMLNode) -> String? {
        guard case .scalar(let text, isPlain: true) = node.content else {
            return node.text.map { EventCondition.value(ofText: $0) }
        }
        switch text {
        case "": return nil
        case "~", "Null", "NULL": return "null"
        case "True", "TRUE": return "true"
        case "False", "FALSE": return "false"
        default: return text
        }
    }

    /// Whether YAML takes a plain text for a number that JSON does not write so.
    private static func isOddNumber(_ node: YAMLNode) -> Bool {
        guard case .scalar(let text, isPlain: true) = node.content else { return false }
        return text.wholeMatch(
            of:
                #/[-+]?(\.[0-9]+([eE][-+]?[0-9]+)?|[0-9]+\.([eE][-+]?[0-9]+)?|0x[0-9A-Fa-f]+|0o[0-7]+|\.(inf|Inf|INF))|\.(nan|NaN|NAN)|\+[0-9].*/#
        ) != nil
    }

    private mutating func property(_ word: String, _ node: YAMLNode, keyNode: YAMLNode, at path: ConfigurationPath) {
        guard node.text != nil else {
            problem(keyNode, "the property \"\(word)\" must be one text; write it with dots: \"compression.type: lz4\"")
            return
        }
        scalar(node, keyNode: keyNode, at: path)
    }

    private mutating func scalar(_ node: YAMLNode, keyNode: YAMLNode, at path: ConfigurationPath) {
        guard let text = node.text else {
            problem(keyNode, "\"\(path)\" takes one value, not a list or mapping")
            layer.unusable.insert(path)
            return
        }
        if isNull(node) || text.isEmpty {
            problem(keyNode, "\"\(path)\" has no value; give one or remove the line")
            layer.unusable.insert(path)
            return
        }
        layer.values[path] = RawValue(content: .scalar(text), source: source(keyNode))
    }

    // MARK: Problems

    /// `; did you mean "x"?`, or the names there are when none is near.
    static func suggestion(_ word: String, among names: Set<String>) -> String {
        if let nearest = NearestName.of(word, among: names) { return "; did you mean \"\(nearest)\"?" }
        if names.isEmpty { return "" }
        return "; known here: \(names.filter { $0 != "*" }.sorted().joined(separator: ", "))"
    }

    private func place(_ parent: ConfigurationPath) -> String {
        parent.words.isEmpty ? "" : " under \"\(parent)\""
    }

    private func isNull(_ node: YAMLNode) -> Bool {
        guard case .scalar(let text, isPlain: true) = node.content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    private func source(_ node: YAMLNode) -> ConfigurationSource {
        place ?? .file(name, line: node.line, column: node.column)
    }

    private mutating func problem(_ node: YAMLNode, _ message: String) { problem(node, .value, message) }

    private mutating func problem(_ node: YAMLNode, _ code: ConfigurationProblem.Code, _ message: String) {
        layer.problems.append(ConfigurationProblem(code, source: source(node), message))
    }

    private mutating func problem(_ message: String, at place: ConfigurationSource) {
        layer.problems.append(ConfigurationProblem(.yamlSyntax, source: place, message))
    }
}
