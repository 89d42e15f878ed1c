import Postgres

extension EventsTable {
    /// The scope as a condition over the table's row; `nil` where all events are wanted.
    ///
    /// Conditions on payload and metadata are no part of it: a payload that is not JSON would end the query. The caller asks
    /// ``EventFilter/decide(_:)`` of each event.
    func conditions(of scope: EventScope, _ values: inout [any PostgresEncodable]) -> String? {
        var conditions: [String] = []
        for (list, expression) in [(scope.aggregateTypes, type), (scope.boundedContexts, context)] where !list.isEmpty {
            conditions.append(Self.isOne(of: list, expression, &values))
        }
        let eventType = shape.expression(.eventType)
        if !scope.filter.eventTypes.isEmpty {
            conditions.append(Self.matches(scope.filter.eventTypes, eventType, &values))
        }
        if !scope.filter.exceptEventTypes.isEmpty {
            conditions.append("NOT \(Self.matches(scope.filter.exceptEventTypes, eventType, &values))")
        }
        return conditions.isEmpty ? nil : conditions.joined(separator: " AND ")
    }

    private static func isOne(
        of list: [String], _ expression: String, _ values: inout [any PostgresEncodable]
    ) -> String {
        guard list.count == 1 else {
            values.append(list)
            return "\(expression) = ANY($\(values.count))"
        }
        // An array would be taken apart for each row.
        values.append(list[0])
        return "\(expression) = $\(values.count)"
    }

    private static func matches(
        _ patterns: [NamePattern], _ expression: String, _ values: inout [any PostgresEncodable]
    ) -> String {
        var parts: [String] = []
        let names = patterns.filter(\.isName).map(\.description)
        if !names.isEmpty { parts.append(isOne(of: names, expression, &values)) }
        for pattern in patterns where !pattern.isName {
            values.append(pattern.like)
            // Without a collation, since one that is not deterministic refuses LIKE.
            parts.append("\(expression) COLLATE \"C\" LIKE $\(values.count)")
        }
        return "(\(parts.joined(separator: " OR ")))"
    }
}
