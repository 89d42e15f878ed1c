package import EventSourcing

extension ConsumerSection {
    /// The events it wants.
    package var scope: EventScope {
        EventScope(aggregateTypes: aggregateTypes, boundedContexts: boundedContexts, filter: filter)
    }

    /// What is wanted of the events of the scope's contexts and aggregate types.
    static func filter(_ path: (String) -> ConfigurationPath, _ values: inout ConfigurationValues) -> EventFilter {
        let types = patterns(path("event_types"), &values)
        let exceptions = patterns(path("except_event_types"), &values)
        for type in types where type.isName {
            guard let exception = exceptions.first(where: { $0.matches(type.description) }) else { continue }
            values.problem(
                path("event_types"), .conflict,
                "names \(type), which \"except_event_types\" leaves out (\(exception)); remove it from one of the two")
        }
        return EventFilter(
            eventTypes: types, exceptEventTypes: exceptions,
            conditions: conditions(path("where"), .payload, &values)
                + conditions(path("where_metadata"), .metadata, &values)
                + conditions(path("except_where"), .payload, isExclusion: true, &values)
                + conditions(path("except_where_metadata"), .metadata, isExclusion: true, &values))
    }

    private static func patterns(_ path: ConfigurationPath, _ values: inout ConfigurationValues) -> [NamePattern] {
        let texts = values.list(path)
        for text in texts where text.utf8.contains(0) {
            values.problem(path, "holds a NUL character, which no event type in PostgreSQL has: \(text.prefix(40))")
            return []
        }
        return texts.map { NamePattern($0) }
    }

    private static func conditions(
        _ path: ConfigurationPath, _ part: EventCondition.Part, isExclusion: Bool = false,
        _ values: inout ConfigurationValues
    ) -> [EventCondition] {
        var conditions: [EventCondition] = []
        for (text, list) in values.lists(path).sorted(by: { $0.key < $1.key }) {
            do throws(JSONPointerError) {
                conditions.append(
                    EventCondition(part, try JSONPointer(text), oneOf: list, isExclusion: isExclusion))
            } catch {
                values.problem(
                    ConfigurationPath(path.words + [text]), "is no place in JSON: \(error)")
            }
        }
        return conditions
    }
}
