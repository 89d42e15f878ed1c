import Consumers
import KafkaBridge

extension ConsumerSection {
    /// Which of the standard headers records carry, as far as their format allows the choice, and what they are called.
    static func headers(
        _ path: ConfigurationPath, prefix: String, _ format: RecordFormat, _ values: inout ConfigurationValues
    ) -> (standard: StandardHeaders, renamed: [String: String], own: [RawValue.Member]) {
        guard values.isGiven(path) else { return (.standard, [:], []) }
        guard case .mapping(let members) = values.content(path) else {
            let chosen = chosen(values.content(path), path, prefix: prefix, format, &values)
            if let chosen { checkChoice(chosen, path, format, &values) }
            return (chosen ?? .standard, [:], [])
        }
        let base = members.last { $0.name == "base" }?.content
        let chosen = base.map { Self.chosen($0, path, prefix: prefix, format, &values) } ?? nil
        var headers = chosen ?? .standard
        var renamed: [String: String] = [:]
        var isChoice = chosen != nil
        for member in members where member.name != "base" {
            guard let column = StandardHeaders.columns.first(where: { $0.name == member.name })?.header else {
                continue
            }
            switch member.content {
            case .scalar(let word) where ["false", "no", "off"].contains(word.lowercased()):
                headers.remove(column)
                isChoice = true
            case .scalar(let word) where ["true", "yes", "on"].contains(word.lowercased()):
                isChoice = isChoice || !headers.contains(column)
                headers.insert(column)
            case .scalar(let name):
                headers.insert(column)
                if let flaw = flaw(ofRenaming: member.name, to: name, prefix: prefix, format) {
                    values.problem(path, .header, flaw, at: member.source)
                } else {
                    renamed[member.name] = name
                }
            case .list, .mapping:
                values.problem(
                    path, .header,
                    "gives \(member.name) a value, and it is a header of Godwit's own: give it another name, or false to leave it "
                        + "out", at: member.source)
            }
        }
        if isChoice { checkChoice(headers, path, format, &values) }
        let own = members.filter { member in
            member.name != "base" && !StandardHeaders.columns.contains { $0.name == member.name }
        }
        return (headers, renamed, own)
    }

    /// The headers of a word or a list; `nil` where all are sent without a choice.
    private static func chosen(
        _ content: RawValue.Content?, _ path: ConfigurationPath, prefix: String, _ format: RecordFormat,
        _ values: inout ConfigurationValues
    ) -> StandardHeaders? {
        switch content {
        case .list(let names): return listed(names, path, prefix: prefix, &values)
        case .scalar("standard"), nil: return nil
        case .scalar("minimal"): return .minimal(in: format)
        case .scalar("none"): return []
        case .mapping:
            values.problem(path, "has a mapping as its base; write \(words.joined(separator: ", ")), or a list")
            return nil
        case .scalar(let text):
            let remedy = StandardHeaders.columns.contains { $0.name == text } ? "; as a list, [\(text)]" : nearest(text)
            values.problem(
                path, "is \"\(text)\", but must be \(words.joined(separator: ", ")), or a list of names\(remedy)")
            return nil
        }
    }

    /// Reports what the format does not leave to choose.
    private static func checkChoice(
        _ headers: StandardHeaders, _ path: ConfigurationPath, _ format: RecordFormat,
        _ values: inout ConfigurationValues
    ) {
        switch format {
        case .payload: break
        case .cloudEventsBinary:
            let missing = StandardHeaders.columns.filter {
                StandardHeaders.requiredByCloudEvents.contains($0.header) && !headers.contains($0.header)
            }
            if !missing.isEmpty {
                values.problem(
                    path,
                    "leaves out \(missing.map(\.name).joined(separator: " and ")), which CloudEvents require (ce_id, ce_type); "
                        + "the fewest are minimal, or a list with event_id and event_type")
            }
        case .cloudEventsStructured:
            values.problem(
                path,
                "has nothing to choose in cloudevents_structured: the attributes are in the value, and content-type, by which "
                    + "readers know that, is the only header; remove it, or set \"format\" to cloudevents_binary or payload"
            )
        }
    }

    private static func flaw(
        ofRenaming column: String, to name: String, prefix: String, _ format: RecordFormat
    ) -> String? {
        guard format == .payload else {
            return
                "calls \(column) \(name), and the names of CloudEvents are the standard's: remove it, or set \"format\" to payload"
        }
        return flaw(ofHeader: name, prefix: prefix).map { "calls \(column) \"\(name)\", \($0)" }
    }

    /// What is wrong with a name that a header of the consumer's choice has, to follow the name.
    static func flaw(ofHeader name: String, prefix: String) -> String? {
        if HeaderNames.isTaken(name, prefix: prefix) {
            let sent = prefix.isEmpty ? "" : "sent as \(prefix)\(name), "
            return "\(sent)which is the name of a header of Godwit's own; choose another name"
        }
        guard MetadataHeaders.isName(name) else {
            return "which is no header's name: at most 128 bytes, without control characters"
        }
        return nil
    }

    private static let words = ["standard", "minimal", "none"]

    private static func listed(
        _ names: [String], _ path: ConfigurationPath, prefix: String, _ values: inout ConfigurationValues
    ) -> StandardHeaders? {
        if names.isEmpty {
            values.problem(path, "is an empty list; write none where no standard header is to be sent")
            return nil
        }
        var headers: StandardHeaders = []
        for name in names {
            guard let column = StandardHeaders.columns.first(where: { $0.name == name }) else {
                values.problem(path, mistake(name, prefix: prefix, isAlone: names.count == 1))
                continue
            }
            if headers.contains(column.header) { values.problem(path, "names \(name) more than once") }
            headers.insert(column.header)
        }
        return headers
    }

    /// What a name was meant to be.
    private static func mistake(_ name: String, prefix: String, isAlone: Bool) -> String {
        if words.contains(name) { return "holds \(name), which is given alone: headers: \(name)" }
        let columns = StandardHeaders.columns.map(\.name)
        if !prefix.isEmpty, name.hasPrefix(prefix), columns.contains(String(name.dropFirst(prefix.count))) {
            return "holds \(name); names come without header_prefix: \(name.dropFirst(prefix.count))"
        }
        if let column = ofCloudEvents[name] { return "holds \(name), which is made of \(column); name that" }
        if alwaysThere.contains(name) {
            return "holds \(name), which is in every record of CloudEvents and in no other"
        }
        let near = nearest(name, among: isAlone ? columns + words : columns)
        let remedy = near.isEmpty ? "; there are \(columns.joined(separator: ", "))" : near
        return "holds \"\(name)\", which is no standard header\(remedy)"
    }

    private static func nearest(_ name: String, among names: [String] = words) -> String {
        NearestName.of(name, among: names).map { "; did you mean \"\($0)\"?" } ?? ""
    }

    /// Attributes whose names are far from their columns'.
    private static let ofCloudEvents = [
        "ce_id": "event_id", "ce_type": "event_type", "ce_subject": "aggregate_id", "ce_time": "created_at",
        "ce_traceparent": "trace_id",
    ]

    private static let alwaysThere: Set<String> = ["ce_source", "ce_specversion", "content-type"]
}
