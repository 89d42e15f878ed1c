public import FoundationEssentials

/// A consumer's own error, with the event it came at. The event's batch and checkpoint were rolled back.
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
            + "\(eventType.debugDescription): \(underlying)"
    }
}
