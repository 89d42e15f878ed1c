import Consumers
import EventSourcing
import Kafka
import KafkaBridge

/// Key, partition, traces and tombstones of a consumer's records.
extension ConsumerSection {
    static func key(_ path: ConfigurationPath, _ values: inout ConfigurationValues) -> RecordKey {
        let text = values.text(path)
        switch text {
        case "aggregate_id", "{aggregate_id}": return .aggregateID
        case "correlation_id":
            values.problem(
                path, .keySpread,
                "is correlation_id: events of one aggregate that belong to different processes get different keys, and lose their "
                    + "order")
            return .correlationID
        case let text where !text.contains("{"):
            let words = ["aggregate_id", "correlation_id"]
            let nearest = NearestName.of(text, among: words).map { "; did you mean \"\($0)\"?" } ?? ""
            values.problem(
                path,
                "is \"\(Concealed.text(text))\", but must be one of: \(words.joined(separator: ", ")), or a template such as "
                    + "{metadata./tenant}:{aggregate_id}\(nearest)")
            return .aggregateID
        default:
            guard let template = template(text, path, &values) else { return .aggregateID }
            checkSpread(of: template, path, &values)
            return .template(template)
        }
    }

    static func partition(_ path: ConfigurationPath, _ values: inout ConfigurationValues) -> TextTemplate? {
        guard let text = values.optionalText(path), let template = template(text, path, &values) else { return nil }
        guard template.literals.allSatisfy({ (0x30...0x39).contains($0) }) else {
            values.problem(
                path, .key,
                "is \"\(text)\", which makes no whole number of any event: name one field or place, as in {metadata./shard}"
            )
            return nil
        }
        if template.fields.isEmpty, template.places.isEmpty, Int32(text) == nil {
            values.problem(path, .key, "is \"\(text)\", and no topic has so many partitions")
            return nil
        }
        checkSpread(of: template, path, &values)
        return template
    }

    private static func template(
        _ text: String, _ path: ConfigurationPath, _ values: inout ConfigurationValues
    ) -> TextTemplate? {
        do throws(TextTemplateError) { return try TextTemplate(text) } catch {
            values.problem(path, .key, "cannot be used: \(error)")
            return nil
        }
    }

    /// What each event of an aggregate has in common with the others.
    private static let ofAggregates: Set<TextTemplate.Field> = [.boundedContext, .aggregateType, .aggregateID]
    /// What no two events of an aggregate have in common.
    private static let ofEvents: Set<TextTemplate.Field> = [.eventID, .globalPosition, .aggregateVersion]

    /// Reports where the events of one aggregate lose their order.
    private static func checkSpread(
        of template: TextTemplate, _ path: ConfigurationPath, _ values: inout ConfigurationValues
    ) {
        let what = path.words.last ?? "key"
        func list(_ fields: Set<TextTemplate.Field>) -> String {
            fields.map { "{\($0.rawValue)}" }.sorted().joined(separator: ", ")
        }
        let own = template.fields.intersection(ofEvents)
        if !own.isEmpty {
            values.problem(
                path, .key,
                "holds \(list(own)), which differs from event to event: no aggregate's events would have the same \(what), and none "
                    + "would keep their order")
            return
        }
        let varying = template.fields.subtracting(ofAggregates)
        let names = (varying.isEmpty ? [] : [list(varying)]) + template.places.map { "{\($0)}" }
        if names.isEmpty { return }
        values.problem(
            path, .keySpread,
            "holds \(names.joined(separator: ", ")): events of one aggregate that differ there get different "
                + "\(what == "key" ? "keys" : "partitions"), and lose their order")
    }

    static func traceHeaders(_ path: ConfigurationPath, _ values: inout ConfigurationValues) -> TraceHeaders {
        switch values.content(path) {
        case nil: return [.parent, .state]
        case .scalar("none"): return []
        case .list(let names):
            var headers: TraceHeaders = []
            for name in names {
                guard let header = TraceHeaders.named.first(where: { $0.name == name })?.header else {
                    let nearest = NearestName.of(name, among: TraceHeaders.named.map(\.name))
                    values.problem(
                        path,
                        "holds \"\(name)\", but there are \(TraceHeaders.named.map(\.name).joined(separator: ", "))"
                            + (nearest.map { "; did you mean \"\($0)\"?" } ?? ""))
                    continue
                }
                headers.insert(header)
            }
            if headers.contains(.state), !headers.contains(.parent) {
                values.problem(path, "names tracestate, which means nothing without traceparent; name that too")
            }
            if names.isEmpty { values.problem(path, "is an empty list; write none where no trace goes on") }
            return headers
        case .scalar(let text):
            values.problem(path, "is \"\(text)\", but must be none, or a list such as [traceparent, tracestate]")
            return []
        case .mapping: return []
        }
    }

    /// Reports tombstones that the filter keeps from being published.
    func checkTombstones(_ path: (String) -> ConfigurationPath, _ values: inout ConfigurationValues) {
        let conditions = filter.conditions.filter { $0.part == .payload && !$0.isExclusion }
        let places = conditions.map(\.pointer.description).joined(separator: ", ")
        for type in values.list(path("tombstone_on")) where NamePattern(type).isName {
            let bytes = Array(type.utf8)
            if !filter.wants(eventType: bytes.span.bytes) {
                values.problem(
                    path("tombstone_on"), .tombstoneFiltered,
                    "names \(type), which event_types or except_event_types leave out: no such event becomes a tombstone"
                )
            } else if !conditions.isEmpty {
                values.problem(
                    path("tombstone_on"), .tombstoneFiltered,
                    "names \(type), and \"where\" holds for it too: an event without \(places) in its payload is passed over, and what "
                        + "it should remove stays")
            }
        }
        if tombstones.includesEmpty, !conditions.isEmpty {
            values.problem(
                path("tombstone_on_empty"), .tombstoneFiltered,
                "has no effect beside \"where\", which an empty payload never meets: such events are passed over")
        }
    }

    static func tombstones(
        _ path: (String) -> ConfigurationPath, _ values: inout ConfigurationValues
    ) -> Tombstones {
        Tombstones(
            types: values.list(path("tombstone_on")), includesEmpty: values.boolean(path("tombstone_on_empty")))
    }
}
