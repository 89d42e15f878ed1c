import Consumers
import KafkaBridge

extension ConsumerSection {
    /// Which of the standard headers records carry, as far as their format allows the choice.
    static func headers(
        _ path: ConfigurationPath, prefix: String, _ format: RecordFormat, _ values: inout ConfigurationValues
    ) -> StandardHeaders {
        guard values.isGiven(path) else { return .standard }
        let headers: StandardHeaders
        switch values.content(path) {
        case .list(let names):
            guard let listed = Self.listed(names, path, prefix: prefix, &values) else { return .standard }
            headers = listed
        case .scalar("standard"), nil: return .standard
        case .scalar("minimal"): headers = .minimal(in: format)
        case .scalar("none"): headers = []
        case .scalar(let text):
            let remedy = StandardHeaders.columns.contains { $0.name == text } ? "; as a list, [\(text)]" : nearest(text)
            values.problem(
                path, "is \"\(text)\", but must be \(words.joined(separator: ", ")), or a list of names\(remedy)")
            return .standard
        }
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
        return headers
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
        if words.contains(name) { return "holds \(name), which stands alone: headers: \(name)" }
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
