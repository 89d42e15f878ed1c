import EventSourcing
package import FoundationEssentials
import KafkaBridge

/// Which events of a consumer a person asks for, as the options of a command say it.
package struct SelectionRequest: Sendable, Hashable {
    /// The first position wanted; `nil` for the first there is.
    package var fromPosition: Int64?
    /// The last position wanted; `nil` for the last that is settled.
    package var toPosition: Int64?
    /// The first moment wanted.
    package var fromTime: Date?
    /// The first moment not wanted any more.
    package var toTime: Date?
    package var contexts: [String] = []
    package var aggregateTypes: [String] = []
    package var aggregateIDs: [String] = []
    package var eventTypes: [String] = []
    /// A template in place of the consumer's topic.
    package var topic: String?

    package init() {}

    package var isEmpty: Bool { self == SelectionRequest() }

    /// The range begins behind this position.
    var after: Int64 { max(0, (fromPosition ?? 1) - 1) }

    /// Checks the range without a look at the events.
    package func validate() throws(Failure) {
        for position in [fromPosition, toPosition] {
            if let position, position < 0 { throw Failure(.usage, "a position is \(position); they count from 1") }
        }
        if let fromPosition, let toPosition, fromPosition > toPosition {
            throw Failure(JobError.reversed(from: fromPosition, to: toPosition))
        }
        if let fromTime, let toTime, fromTime >= toTime {
            throw Failure(
                .usage,
                "the range is reversed: it begins at \(fromTime.formatted(.iso8601)) and ends before "
                    + "\(toTime.formatted(.iso8601)); exchange the two")
        }
    }

    /// What is wanted of what the consumer carries.
    ///
    /// - Throws: where something is asked for that the consumer does not carry.
    func selection(of consumer: ConsumerSection) throws(Failure) -> EventSelection {
        if let foreign = eventTypes.first(where: { !consumer.filter.wants(eventType: Array($0.utf8).span.bytes) }) {
            throw Failure(
                .usage,
                "the consumer \(consumer.name) does not carry the event type \(foreign); it has "
                    + consumer.filter.words.joined(separator: ", "))
        }
        return EventSelection(
            scope: EventScope(
                aggregateTypes: try narrowed(consumer.aggregateTypes, to: aggregateTypes, "aggregate type", consumer),
                boundedContexts: try narrowed(consumer.boundedContexts, to: contexts, "bounded context", consumer),
                filter: consumer.filter),
            aggregateIDs: aggregateIDs, eventTypes: eventTypes, from: fromTime, until: toTime)
    }

    private func narrowed(
        _ carried: [String], to asked: [String], _ what: String, _ consumer: ConsumerSection
    ) throws(Failure) -> [String] {
        if asked.isEmpty { return carried }
        if !carried.isEmpty, let foreign = asked.first(where: { !carried.contains($0) }) {
            throw Failure(
                .usage,
                "the consumer \(consumer.name) does not carry the \(what) \(foreign); "
                    + "it carries \(carried.joined(separator: ", "))")
        }
        return asked
    }

    /// RFC 3339, such as `2026-01-31T09:15:02.25Z` or with an offset.
    package static func time(_ text: String) -> Date? {
        let styles = [Date.ISO8601FormatStyle(), Date.ISO8601FormatStyle(includingFractionalSeconds: true)]
        return styles.lazy.compactMap { try? $0.parse(text) }.first
    }
}
