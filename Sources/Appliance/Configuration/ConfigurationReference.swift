/// The table of keys as documentation.
package enum ConfigurationReference {
    /// Markdown: a table per section.
    package static var markdown: String {
        var text = """
            # Configuration reference

            One YAML file, named by `--config` or `GODWIT_CONFIG`; every key can come from the environment instead, which wins.
            Unknown keys are errors. Durations read `500ms`, `30s`, `5m`; sizes `512KiB`, `32MiB`; lists in the environment are
            separated by commas, mappings are written as in the file, on one line. `NAME` stands for a consumer's or a source's name, in the environment in upper case with `_` for all but
            letters and digits; a name that the file does not have makes a consumer or source, its name in lower case. A Kafka property
            is `GODWIT_KAFKA_PROPERTIES_` and its name with `_` for dots. Where the table says *secret*, the key with `_file`
            behind it (in the environment `_FILE`) takes the value from a file, which is read again for each new connection or
            client. This page is what `godwit config reference` prints.

            """
        var section = ""
        for key in ConfigurationKey.all {
            let top = key.path.prefix { $0 != "." }
            if top != section {
                section = String(top)
                text += "\n## \(section)\n\n| key | environment | takes | default | |\n|---|---|---|---|---|\n"
            }
            text += "| \(row(key).joined(separator: " | ")) |\n"
        }
        return text
    }

    private static func row(_ key: ConfigurationKey) -> [String] {
        let path = key.path.split(separator: "*", omittingEmptySubsequences: false).joined(separator: "NAME")
        let variable =
            switch key.kind {
            case .properties: "`\(key.environmentVariable)_…`"
            default: "`\(key.environmentVariable)`"
            }
        let value = key.isRequired ? "required" : key.defaultText.map { "`\($0)`" } ?? ""
        return ["`\(path)`", variable, takes(key.kind), value, key.meaning]
    }

    private static func takes(_ kind: ConfigurationKey.Kind) -> String {
        switch kind {
        case .text: "text"
        case .secret: "secret"
        case .identifier: "name in PostgreSQL"
        case .integer(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .size(let range): "\(SizeText.format(range.lowerBound)) to \(SizeText.format(range.upperBound))"
        case .duration(let range):
            "\(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))"
        case .boolean: "`true` or `false`"
        case .choice(let choices): choices.map { "`\($0)`" }.joined(separator: ", ")
        case .list: "list"
        case .choiceListOrMapping(let choices):
            choices.map { "`\($0)`" }.joined(separator: ", ") + ", a list, or a mapping of names"
        case .mapping: "places and texts"
        case .column: "a column, or `{ value: … }`"
        case .choiceOrList(let choices): choices.map { "`\($0)`" }.joined(separator: ", ") + " or a list"
        case .properties: "names and texts"
        case .templates: "event types and texts"
        case .conditions: "JSON pointers, each with a text or a list"
        }
    }
}
