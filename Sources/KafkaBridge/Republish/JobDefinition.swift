package import EventSourcing
import FoundationEssentials

/// What a republish job is to do. It does not change once the job exists.
package struct JobDefinition: Sendable, Hashable {
    /// The consumer whose route and format it takes.
    package var consumer: String
    /// Which events of the range; never with a list of its own, see ``isListed``.
    package var selection: EventSelection
    /// A template for other topics than the consumer's.
    package var topic: String?
    /// The range begins behind this position.
    package var after: Int64
    /// The last position of the range as it was asked for; `nil` for all that was settled when the job was made.
    package var askedThrough: Int64?
    /// Whether the events are listed one by one.
    package var isListed: Bool

    package init(
        consumer: String, selection: EventSelection = EventSelection(), topic: String? = nil, after: Int64 = 0,
        askedThrough: Int64? = nil, isListed: Bool = false
    ) {
        self.consumer = consumer
        self.selection = selection
        self.topic = topic
        self.after = after
        self.askedThrough = askedThrough
        self.isListed = isListed
    }

    /// In what it differs from another, in a person's words; empty if in nothing.
    package func differences(from other: JobDefinition) -> [String] {
        var differences: [String] = []
        func compare<Value: Equatable>(_ name: String, _ value: (JobDefinition) -> Value) {
            if value(self) != value(other) { differences.append(name) }
        }
        compare("consumer") { $0.consumer }
        compare("first position") { $0.after }
        compare("last position") { $0.askedThrough }
        compare("first time") { $0.selection.from }
        compare("last time") { $0.selection.until }
        compare("bounded contexts") { Set($0.selection.scope.boundedContexts) }
        compare("aggregate types") { Set($0.selection.scope.aggregateTypes) }
        if !selection.scope.filter.isEquivalent(to: other.selection.scope.filter) {
            differences.append("the consumer's filter of events")
        }
        compare("aggregate ids") { Set($0.selection.aggregateIDs) }
        compare("event types") { Set($0.selection.eventTypes) }
        compare("topic") { $0.topic }
        compare("list of events") { $0.isListed }
        return differences
    }

    /// The events that are meant: what an operator has discarded stays so.
    package func selection(in tables: TableNames) -> EventSelection {
        var selection = selection
        selection.discarded = DiscardedEvents(tables.godwitTable("dead_letters"), consumer: consumer)
        return selection
    }

    /// One line, for the audit.
    package var summary: String {
        var parts = ["consumer \(consumer)", "from position \(after + 1)"]
        if let askedThrough { parts.append("to position \(askedThrough)") }
        if let from = selection.from { parts.append("from \(from.formatted(.iso8601))") }
        if let until = selection.until { parts.append("to \(until.formatted(.iso8601))") }
        let lists = [
            ("contexts", selection.scope.boundedContexts), ("aggregate types", selection.scope.aggregateTypes),
            ("aggregates", selection.aggregateIDs), ("event types", selection.eventTypes),
        ]
        for (name, list) in lists where !list.isEmpty { parts.append("\(name) \(list.joined(separator: " "))") }
        parts += selection.scope.filter.words
        if let topic { parts.append("to topic \(topic)") }
        if isListed { parts.append("listed events only") }
        return parts.joined(separator: ", ")
    }
}
