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
    /// The two in full, with the words that they were asked for by.
    private(set) var fromText: String?
    private(set) var toText: String?
    /// How long ago, where they were asked for so.
    private(set) var fromAge: Duration?
    private(set) var toAge: Duration?
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

    /// Takes the range's times as they are written.
    ///
    /// - Parameter names: how the two are called where they come from.
    /// - Throws: for what is no time.
    package mutating func setTimes(
        from: String?, to: String?, names: (from: String, to: String), now: Date = .now
    ) throws(Failure) {
        if let from {
            let time = try Self.time(from, names.from, now)
            (fromTime, fromText, fromAge) = (time.date, time.sentence, time.age)
        }
        if let to {
            let time = try Self.time(to, names.to, now)
            (toTime, toText, toAge) = (time.date, time.sentence, time.age)
        }
    }

    private static func time(_ text: String, _ name: String, _ now: Date) throws(Failure) -> TimeText {
        if let time = TimeText(text, now: now) { return time }
        throw Failure(.usage, "\(name) is \"\(LogLine.harmless(text))\", which is no time; write \(TimeText.forms)")
    }

    /// The times in full; nil where none is asked for.
    package var timesInFull: String? {
        let parts = [
            fromText.map { "from \($0)" }, toText.map { "until \($0), which is not in it" },
        ].compactMap(\.self)
        return parts.isEmpty ? nil : "events that happened \(parts.joined(separator: " "))"
    }

    /// With the times of a job that was made by the same words before, where they count back from when it was made: said again, `7d`
    /// means the same then.
    func repeating(_ job: Job) -> SelectionRequest {
        func isSame(_ age: Duration?, _ stored: Date?) -> Bool {
            guard let age, let stored else { return false }
            return abs(stored.timeIntervalSince(job.createdAt) + age / .seconds(1)) < Self.tolerance
        }
        var request = self
        let selection = job.definition.selection
        if isSame(fromAge, selection.from) { request.fromTime = selection.from }
        if isSame(toAge, selection.until) { request.toTime = selection.until }
        return request
    }

    /// How far the clocks of this machine and the database may be apart, and making the job may take.
    private static let tolerance: Double = 120
}
