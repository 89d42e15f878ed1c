import Consumers

/// Reads the environment's `GODWIT_…` variables into raw values.
///
/// A variable's name is the key's path in upper case with `_` between the words. A consumer's name is written in upper
/// case too, with `_` for everything but letters and digits; a name that the file does not have makes a consumer whose
/// name is the variable's part in lower case; so is a source's. Lists are separated by commas, and mappings are written as in the file, on one line:
/// `{ /country: [DE, AT] }`. A Kafka property's dots become `_`.
struct ConfigurationEnvironment {
    private var layer = RawLayer()
    private(set) var warnings: [ConfigurationProblem] = []
    private let fileConsumers: [String: String]
    private let fileSources: [String: String]
    private let focus: ConfigurationFocus

    /// What Kubernetes sets in every pod beside a service named godwit, and what is read elsewhere.
    private static let foreign = ["GODWIT_SERVICE_", "GODWIT_PORT", "GODWIT_TEST_"]

    private init(fileConsumers: [String], fileSources: [String], focus: ConfigurationFocus) {
        func byVariable(_ names: [String]) -> [String: String] {
            Dictionary(
                names.map { (ConfigurationKey.environmentName($0), $0) }, uniquingKeysWith: { first, _ in first })
        }
        self.focus = focus
        self.fileConsumers = byVariable(fileConsumers)
        self.fileSources = byVariable(fileSources)
    }

    /// Reads all variables. An unknown one is a warning, as others may set variables that begin so, with the nearest known name.
    static func read(
        _ environment: [String: String], fileConsumers: [String], fileSources: [String] = [],
        focus: ConfigurationFocus = .whole
    ) -> (layer: RawLayer, warnings: [ConfigurationProblem]) {
        var reader = ConfigurationEnvironment(
            fileConsumers: fileConsumers, fileSources: fileSources, focus: focus)
        for (variable, value) in environment.sorted(by: { $0.key < $1.key })
        where variable.hasPrefix("GODWIT_") && variable != "GODWIT_CONFIG"
            && !foreign.contains(where: variable.hasPrefix)
        {
            reader.variable(variable, value)
        }
        return (reader.layer, reader.warnings)
    }

    private mutating func variable(_ variable: String, _ value: String) {
        let source = ConfigurationSource.environment(variable)
        let name = String(variable.dropFirst("GODWIT_".count))
        if path(of: name) == nil, let path = section(of: name) { return section(path, value, source) }
        guard let (path, kind) = path(of: name) else {
            let known =
                Self.plain.keys.map { "GODWIT_\($0)" } + Self.consumerKeys.map { "GODWIT_CONSUMERS_NAME_\($0.suffix)" }
                + Self.sourceKeys.map { "GODWIT_SOURCES_NAME_\($0.suffix)" }
            let nearest = NearestName.of(variable, among: known).map { "; did you mean \($0)?" } ?? ""
            warnings.append(
                ConfigurationProblem(.unknownVariable, source: source, "unknown variable, not used\(nearest)"))
            return
        }
        defer {
            if path.words.first == "sources", !layer.sources.contains(where: { $0.name == path.words[1] }) {
                layer.sources.append((path.words[1], source))
            }
            if path.words.first == "consumers", !layer.consumers.contains(where: { $0.name == path.words[1] }) {
                layer.consumers.append((path.words[1], source))
            }
        }
        guard focus.includes(path) else { return }
        let isMapping = kind.isMapping || kind == .mapping || value.drop { $0 == " " }.first == "{"
        if kind.isMapping || kind.takesMapping, isMapping {
            let read = ConfigurationFile.read(value, of: path, from: source, focus: focus)
            take(read, of: path)
        } else if kind.takesList, value.first == "[", value.last == "]" {
            // As a mapping has to be written.
            take(ConfigurationFile.read(value, of: path, from: source, focus: focus), of: nil)
        } else if kind.takesList, !Self.isWord(value, of: kind) {
            let items = value.split(separator: ",").map { $0.drop { $0 == " " } }
                .map { String($0.reversed().drop { $0 == " " }.reversed()) }.filter { !$0.isEmpty }
            layer.values[path] = RawValue(content: .list(items), source: source)
        } else if value.isEmpty {
            layer.problems.append(
                ConfigurationProblem(.value, source: source, "is empty; give it a value or unset it"))
            layer.unusable.insert(path)
        } else {
            layer.values[path] = RawValue(content: .scalar(value), source: source)
        }
    }

    private mutating func take(_ read: RawLayer, of mapping: ConfigurationPath?) {
        if let mapping { layer.mappings.insert(mapping) }
        layer.values.merge(read.values) { $1 }
        layer.problems += read.problems
        layer.unusable.formUnion(read.unusable)
    }

    /// Takes a whole section, written as in the file.
    private mutating func section(_ path: ConfigurationPath, _ value: String, _ source: ConfigurationSource) {
        guard value.drop(while: { $0 == " " }).first == "{" else {
            layer.problems.append(
                ConfigurationProblem(
                    .value, source: source,
                    "\"\(path)\" is a mapping: write it as in the file, on one line, for example { key: value }"))
            return
        }
        if path.words.first == "consumers", !layer.consumers.contains(where: { $0.name == path.words[1] }) {
            layer.consumers.append((path.words[1], source))
        }
        if focus.includes(path) { take(ConfigurationFile.read(value, of: path, from: source, focus: focus), of: path) }
    }

    /// The section within a consumer's, or of settings, that a variable's name means.
    private func section(of name: String) -> ConfigurationPath? {
        if name == "KAFKA_TOPICS_SETTINGS" { return ConfigurationPath(["kafka", "topics", "settings"]) }
        if name == "KAFKA_PROPERTIES" { return ConfigurationPath(["kafka", "properties"]) }
        guard name.hasPrefix("CONSUMERS_") else { return nil }
        let rest = name.dropFirst("CONSUMERS_".count)
        for word in ["value", "topic_settings"] {
            let suffix = "_" + ConfigurationKey.environmentName(word)
            guard rest.hasSuffix(suffix), rest.count > suffix.count else { continue }
            let part = String(rest.dropLast(suffix.count))
            return ConfigurationPath(["consumers", fileConsumers[part] ?? part.lowercased(), word])
        }
        return nil
    }

    /// Whether a value is one word where others are a list.
    private static func isWord(_ value: String, of kind: ConfigurationKey.Kind) -> Bool {
        switch kind {
        // An empty list is one, as for other keys; of the standard headers it says too little.
        case .choiceOrList(let choices): return choices.contains(value)
        case .choiceListOrMapping(let choices): return value.isEmpty || choices.contains(value)
        default: return false
        }
    }

    // MARK: Names

    /// The variables of keys outside of `consumers`, without the prefix.
    private static let plain: [String: (ConfigurationPath, ConfigurationKey.Kind)] = {
        var plain: [String: (ConfigurationPath, ConfigurationKey.Kind)] = [:]
        for key in ConfigurationKey.all where !key.path.contains("*") && key.kind != .properties {
            plain[ConfigurationKey.environmentName(key.path)] = (ConfigurationPath(key.path), key.kind)
            if key.takesFile {
                plain[ConfigurationKey.environmentName(key.path + "_file")] = (
                    ConfigurationPath(key.path + "_file"), .text
                )
            }
        }
        return plain
    }()

    /// The last part of the variables of a consumer's keys, the longest first: `DEAD_LETTER_TOPIC` is not `TOPIC`.
    private static let consumerKeys = keys(below: "consumers.*.")
    private static let sourceKeys = keys(below: "sources.*.")

    private static func keys(
        below section: String
    ) -> [(suffix: String, words: [String], kind: ConfigurationKey.Kind)] {
        var keys: [(suffix: String, words: [String], kind: ConfigurationKey.Kind)] = []
        for key in ConfigurationKey.all
        where key.path.hasPrefix(section) && key.kind != .properties {
            let path = String(key.path.dropFirst(section.count))
            for (form, kind) in [(path, key.kind)] + (key.takesFile ? [(path + "_file", .text)] : []) {
                let words = form.split(separator: ".").map(String.init)
                keys.append((ConfigurationKey.environmentName(form), words, kind))
            }
        }
        return keys.sorted { ($0.suffix.count, $0.suffix) > ($1.suffix.count, $1.suffix) }
    }

    /// A topic's setting, whose dots are `_` in a variable's name.
    private static func setting(_ name: Substring) -> String {
        if name == "REPLICATION_FACTOR" { return "replication_factor" }
        return name.lowercased().split(separator: "_").joined(separator: ".")
    }

    private func path(of name: String) -> (ConfigurationPath, ConfigurationKey.Kind)? {
        if let known = Self.plain[name] { return known }
        if name.hasPrefix("KAFKA_PROPERTIES_") {
            let property = name.dropFirst("KAFKA_PROPERTIES_".count)
            guard !property.isEmpty else { return nil }
            let isFile = property.hasSuffix("_FILE")
            let words = (isFile ? property.dropLast(5) : property).lowercased().split(separator: "_")
            return (
                ConfigurationPath(["kafka", "properties", words.joined(separator: ".") + (isFile ? "_file" : "")]),
                .text
            )
        }
        if name.hasPrefix("KAFKA_TOPICS_SETTINGS_") {
            let setting = name.dropFirst("KAFKA_TOPICS_SETTINGS_".count)
            guard !setting.isEmpty else { return nil }
            return (ConfigurationPath(["kafka", "topics", "settings", Self.setting(setting)]), .text)
        }
        if name.hasPrefix("SOURCES_") {
            let rest = name.dropFirst("SOURCES_".count)
            for key in Self.sourceKeys where rest.hasSuffix("_" + key.suffix) {
                let part = String(rest.dropLast(key.suffix.count + 1))
                guard !part.isEmpty else { continue }
                return (ConfigurationPath(["sources", fileSources[part] ?? part.lowercased()] + key.words), key.kind)
            }
            return nil
        }
        guard name.hasPrefix("CONSUMERS_") else { return nil }
        let rest = name.dropFirst("CONSUMERS_".count)
        if let place = rest.firstRange(of: "_TOPIC_SETTINGS_"), place.lowerBound > rest.startIndex,
            place.upperBound < rest.endIndex
        {
            let part = String(rest[..<place.lowerBound])
            let words = [
                fileConsumers[part] ?? part.lowercased(), "topic_settings", Self.setting(rest[place.upperBound...]),
            ]
            return (ConfigurationPath(["consumers"] + words), .text)
        }
        for key in Self.consumerKeys where rest.hasSuffix("_" + key.suffix) {
            let part = String(rest.dropLast(key.suffix.count + 1))
            guard !part.isEmpty else { continue }
            return (ConfigurationPath(["consumers", fileConsumers[part] ?? part.lowercased()] + key.words), key.kind)
        }
        return nil
    }
}
