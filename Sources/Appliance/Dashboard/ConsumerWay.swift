import EventSourcing
import KafkaBridge

/// From where to where a consumer carries events, in words. A pure value.
struct ConsumerWay: Sendable, Hashable {
    /// The table, with the source's name where there are several.
    let source: String
    /// The source's name for links; `nil` where there is one only.
    let sourceName: String?
    /// What is taken: contexts, aggregate types and the filter's event types; empty is everything.
    let takes: [String]
    /// Topics, or templates of them.
    let topics: [String]

    init(_ consumer: ConsumerSection, in configuration: Configuration) {
        let table = configuration.database.tables.events.text
        sourceName = configuration.sourceName
        source = configuration.sourceName.map { "\($0) (\(table))" } ?? table
        takes =
            consumer.boundedContexts + consumer.aggregateTypes
            + consumer.filter.eventTypes.map(\.description)
            + consumer.filter.exceptEventTypes.map { "not \($0.description)" }
            + (consumer.filter.conditions.isEmpty
                ? []
                : [
                    "by \(consumer.filter.conditions.count == 1 ? "a condition" : "\(consumer.filter.conditions.count) conditions")"
                ])
        var topics = consumer.topic.map { [$0.description] } ?? []
        for topic in consumer.topics.values.map(\.description).sorted() where !topics.contains(topic) {
            topics.append(topic)
        }
        self.topics = topics
    }

    /// Those of all consumers of a process, by name.
    static func all(_ configuration: Configuration) -> [String: ConsumerWay] {
        configuration.bySource.reduce(into: [:]) { ways, source in
            for consumer in source.consumers { ways[consumer.name] = ConsumerWay(consumer, in: source) }
        }
    }

    /// On one line.
    var html: HTML {
        func list(_ words: [String], _ none: String) -> HTML {
            if words.isEmpty { return "<span class=\"quiet\">\(none)</span>" }
            let shown = words.prefix(3).joined(separator: ", ")
            let rest = words.count > 3 ? " and \(words.count - 3) more" : ""
            return "<span title=\"\(words.joined(separator: ", "))\">\(shown)\(rest)</span>"
        }
        return """
            <span class="way"><span>\(source)</span> <i aria-label="then">→</i> \(list(takes, "everything")) \
            <i aria-label="then">→</i> \(list(topics, "no topic"))</span>
            """
    }
}
