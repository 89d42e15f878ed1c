import Kafka
import Postgres

/// One effective value as it may be shown.
package struct ConfigurationEntry: Sendable, Equatable {
    package enum Value: Sendable, Equatable {
        case text(String)
        case list([String])
        /// Given, but secret.
        case hidden
    }

    /// The words of the path.
    package let path: [String]
    package let value: Value
    package let source: ConfigurationSource

    /// The effective value of every key that has one.
    static func all(
        _ values: ConfigurationValues, database: DatabaseSection, consumers: [String]
    ) -> [ConfigurationEntry] {
        var entries: [ConfigurationEntry] = []
        for key in ConfigurationKey.all where !key.path.contains("*") {
            let path = ConfigurationPath(key.path)
            switch key.kind {
            case .properties:
                entries += properties(values, below: path)
            default:
                if let value = shown(key, path, values, database) {
                    entries.append(.init(path: path.words, value: value, source: values.source(path)))
                }
            }
        }
        for name in consumers {
            for key in ConfigurationKey.all where key.path.hasPrefix("consumers.*.") {
                let words = key.path.split(separator: ".").dropFirst(2).map(String.init)
                let own = ConfigurationPath(["consumers", name] + words)
                if key.kind == .properties {
                    entries += properties(values, below: own)
                    continue
                }
                if key.kind == .templates {
                    entries += values.properties(own).sorted { $0.key < $1.key }.map { type, template in
                        let path = ConfigurationPath(own.words + [type])
                        return .init(
                            path: path.words, value: .text(Concealed.text(template)), source: values.source(path))
                    }
                    continue
                }
                if key.kind == .conditions {
                    entries += values.lists(own).sorted { $0.key < $1.key }.map { pointer, list in
                        let path = ConfigurationPath(own.words + [pointer])
                        return .init(
                            path: path.words, value: .list(Concealed.list(list)), source: values.source(path))
                    }
                    continue
                }
                let inherits = ConfigurationKey.inherited.contains(key.name) && !values.isGiven(own)
                let path = inherits ? ConfigurationPath("worker.\(key.name)") : own
                guard let pathKey = ConfigurationSchema.key(path.pattern) else { continue }
                if let value = shown(pathKey, path, values, database) {
                    entries.append(.init(path: own.words, value: value, source: values.source(path)))
                }
            }
        }
        return entries
    }

    /// Those of several sources in the place of the one source's.
    static func joined(_ entries: [ConfigurationEntry], _ sources: [Configuration]) -> [ConfigurationEntry] {
        let sections: Set<String> = ["database", "source"]
        func isOfSource(_ entry: ConfigurationEntry) -> Bool { entry.path.first.map(sections.contains) ?? false }
        let own = sources.flatMap { configuration in
            let name = configuration.sourceName ?? ""
            // What `source` takes first, then what `database` does, each section in one piece.
            let all = configuration.entries.filter(isOfSource)
            return (all.filter { $0.path[0] == "source" } + all.filter { $0.path[0] == "database" }).map { entry in
                let rest = entry.path[0] == "source" ? Array(entry.path.dropFirst()) : entry.path
                return ConfigurationEntry(path: ["sources", name] + rest, value: entry.value, source: entry.source)
            }
        }
        return own + entries.filter { !isOfSource($0) }
    }

    /// Secrets are hidden by kind: what is not known to be harmless is not shown.
    private static func shown(
        _ key: ConfigurationKey, _ path: ConfigurationPath, _ values: ConfigurationValues, _ database: DatabaseSection
    ) -> Value? {
        switch key.kind {
        case .secret, .properties, .templates, .conditions:
            guard values.isGiven(path) else { return nil }
            if key.path == "database.url", let connection = database.connection {
                return .text(connection.redactedDescription)
            }
            return .hidden
        case .list:
            if case .list(let items) = values.content(path) { return .list(Concealed.list(items)) }
            return .list([])
        case .choiceOrList, .choiceListOrMapping, .mapping, .column:
            switch values.content(path) {
            case .list(let items): return .list(Concealed.list(items))
            case .scalar(let text): return .text(Concealed.text(text))
            case .mapping([]): return nil
            case .mapping: return values.content(path).map { .text(Concealed.text($0.text)) }
            case nil: return key.defaultText.map { standard($0) }
            }
        case .text, .identifier, .integer, .size, .boolean, .duration, .choice:
            if case .scalar(let text) = values.content(path) {
                // The query of a token endpoint may hold anything.
                return .text(
                    Concealed.text(key.path == "kafka.sasl.token_url" ? String(text.prefix { $0 != "?" }) : text))
            }
            return key.defaultText.map { .text($0) }
        }
    }

    /// A default that is a word or a list.
    private static func standard(_ text: String) -> Value {
        guard text.hasPrefix("[") else { return .text(text) }
        return .list(text.dropFirst().dropLast().split(separator: ", ").map(String.init))
    }

    private static func properties(
        _ values: ConfigurationValues, below path: ConfigurationPath
    ) -> [ConfigurationEntry] {
        values.properties(path).sorted { $0.key < $1.key }.map { name, value in
            let own = ConfigurationPath(path.words + [name])
            // Only clients' properties can be secrets; a topic's settings are known to all who may see the topic.
            let isSecret = own.pattern == "kafka.properties" && PropertyRule.isSecret(name)
            return .init(
                path: own.words, value: isSecret ? .hidden : .text(Concealed.text(value)),
                source: values.source(own)
            )
        }
    }
}
