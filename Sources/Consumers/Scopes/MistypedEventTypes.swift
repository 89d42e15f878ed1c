package import EventSourcing

/// Event types of a filter that none of the last events has, and that are near to one that some have. A pure value.
///
/// A type of which no event came yet is no mistake; nor is there an index that would find an old one.
package struct MistypedEventTypes: Sendable, Equatable, CustomStringConvertible {
    package struct Name: Sendable, Equatable {
        /// As the configuration calls the list.
        package let list: String
        package let name: String
        package let nearest: String
    }

    package let names: [Name]

    /// - Parameter recent: the types of the last events.
    /// - Returns: `nil` where nothing looks mistyped.
    package init?(_ filter: EventFilter, recent: Set<String>) {
        var names: [Name] = []
        for (list, patterns) in [("event_types", filter.eventTypes), ("except_event_types", filter.exceptEventTypes)] {
            for pattern in patterns where !recent.contains(where: { pattern.matches($0) }) {
                let text = pattern.description
                if pattern.isName {
                    NearestName.of(text, among: recent).map { names.append(Name(list: list, name: text, nearest: $0)) }
                } else if text.hasSuffix("*"), text.count(where: { $0 == "*" }) == 1 {
                    let begin = text.dropLast()
                    let begins = Set(recent.map { String($0.prefix(begin.count)) })
                    NearestName.of(String(begin), among: begins).map {
                        names.append(Name(list: list, name: text, nearest: $0 + "*"))
                    }
                }
            }
        }
        if names.isEmpty { return nil }
        self.names = names
    }

    package var description: String {
        names.map { name in
            "\(name.list) has \"\(name.name)\", which none of the last \(EventsTable.recentEvents) events is; "
                + "did you mean \"\(name.nearest)\"?"
        }.joined(separator: "; ")
    }
}
