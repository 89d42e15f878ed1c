import Consumers
import EventSourcing

/// Which part of a scope leaves an event out, in the words of the configuration.
enum ScopeExclusion {
    /// - Returns: `nil` where the scope contains the event.
    static func text(_ scope: EventScope, _ event: EventView) -> String? {
        if scope.contains(event) { return nil }
        let parts = [
            ("bounded context", "bounded_contexts", scope.boundedContexts, String(copying: event.boundedContext)),
            ("aggregate type", "aggregate_types", scope.aggregateTypes, String(copying: event.aggregateType)),
        ]
        let words = parts.filter { !$0.2.isEmpty && !$0.2.contains($0.3) }.map { what, key, wanted, value in
            "its \(what) is `\(value.cut(toBytes: 100))`, and \(key) has \(list(wanted))"
        }
        if words.isEmpty { return "it does not meet the other conditions of the scope" }
        return words.joined(separator: "; ")
    }

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(4).map { $0.cut(toBytes: 60) }.joined(separator: ", ")
        return names.count > 4 ? "\(shown) and \(names.count - 4) more" : shown
    }
}
