import Consumers
import EventSourcing

/// Which part of a scope leaves an event out, in the words of the configuration.
enum ScopeExclusion {
    /// - Returns: `nil` where the scope contains the event.
    ///
    /// - Parameter showsValues: whether values of the payload may be seen: not where records hide some.
    static func text(_ scope: EventScope, _ event: EventView, showsValues: Bool) -> String? {
        if scope.contains(event) { return nil }
        let parts = [
            ("bounded context", "bounded_contexts", scope.boundedContexts, String(copying: event.boundedContext)),
            ("aggregate type", "aggregate_types", scope.aggregateTypes, String(copying: event.aggregateType)),
        ]
        let words = parts.filter { !$0.2.isEmpty && !$0.2.contains($0.3) }.map { what, key, wanted, value in
            "its \(what) is `\(value.cut(toBytes: 100))`, and \(key) has \(list(wanted))"
        }
        return (words + self.words(scope.filter, event, showsValues)).joined(separator: "; ")
    }

    /// What of a filter leaves the event out.
    private static func words(_ filter: EventFilter, _ event: EventView, _ showsValues: Bool) -> [String] {
        var words: [String] = []
        let type = String(copying: event.eventType).cut(toBytes: 100)
        if !filter.eventTypes.isEmpty, !filter.eventTypes.contains(where: { $0.matches(event.eventType) }) {
            words.append(
                "its event type is `\(type)`, and event_types has \(list(filter.eventTypes.map(\.description)))")
        }
        if let exception = filter.exceptEventTypes.first(where: { $0.matches(event.eventType) }) {
            words.append("its event type is `\(type)`, and except_event_types has \(exception)")
        }
        for condition in filter.conditions where condition.leavesOut(event) {
            let found = condition.value(in: event).map {
                showsValues || condition.part == .metadata ? "`\($0.cut(toBytes: 60))`" : "another value"
            }
            let value = found ?? "not there"
            words.append(
                (condition.pointer.tokens.isEmpty
                    ? "its whole \(condition.part.rawValue)" : "\(condition.pointer) in its \(condition.part.rawValue)")
                    + " is \(value), and \(condition.key) has "
                    + list(condition.values))
        }
        return words
    }

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(4).map { $0.cut(toBytes: 60) }.joined(separator: ", ")
        return names.count > 4 ? "\(shown) and \(names.count - 4) more" : shown
    }
}
