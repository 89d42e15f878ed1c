import EventSourcing
public import FoundationEssentials

/// A consumer's own error, with the event it came at; for an ``IntegrationConsumer``, with the first of the segment's events
/// in the batch. What was done for the event in a transaction was rolled back. The segment halts before the event, and
/// everything of the segment before it is done.
public struct ConsumerFailure: Error, Sendable {
    /// The consumer.
    public let consumer: String
    /// The segment, from 0.
    public let segment: Int
    /// The event's position.
    public let position: Int64
    /// The event.
    public let eventID: UUID
    /// The event's type.
    public let eventType: String
    /// What the consumer threw.
    public let underlying: any Error
}

extension ConsumerFailure: CustomStringConvertible {
    /// One line that names consumer, segment, position and event.
    public var description: String {
        "consumer \(consumer) failed in segment \(segment) at position \(position), event \(eventID) of type "
            + "\(eventType.debugDescription): \(reason)"
    }
}

extension ConsumerFailure {
    init(_ consumer: String, _ event: PersistedEvent, segment: Int, _ underlying: any Error) {
        self.init(
            consumer: consumer, segment: segment, position: event.globalPosition, eventID: event.eventID,
            eventType: event.eventType, underlying: underlying)
    }

    /// The segment's halt, with a reason for people.
    var halt: SegmentHalt {
        SegmentHalt(
            segment: segment, position: position,
            reason: "event \(eventID) of type \(eventType.debugDescription) could not be handled: \(reason); "
                + "it is tried again by itself")
    }

    /// What the consumer threw, on one line of bounded length: it is recorded with each heartbeat.
    private var reason: String {
        let text = "\(underlying)"
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        return line.count <= 500 ? line : line.prefix(500) + "…"
    }
}
