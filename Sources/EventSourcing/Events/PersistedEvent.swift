public import FoundationEssentials

/// An event as the store holds it.
public struct PersistedEvent: Sendable, Hashable {
    /// The place in the order of all events; unique, ascending, with gaps.
    public let globalPosition: Int64
    /// The bounded context the aggregate belongs to.
    public let boundedContext: String
    /// The aggregate's type.
    public let aggregateType: String
    /// The aggregate's identity within its context and type.
    public let aggregateID: String
    /// The place in the order of the aggregate's events, from 1, without gaps.
    public let aggregateVersion: Int64
    /// The event's own identity.
    public let eventID: UUID
    /// The event's type.
    public let eventType: String
    /// The version of the event type's schema.
    public let eventVersion: Int32
    /// The content.
    public let payload: [UInt8]
    /// The trace the event belongs to.
    public let traceID: String?
    /// The business process the event belongs to.
    public let correlationID: String?
    /// What caused the event.
    public let causationID: String?
    /// A JSON text beside the payload.
    public let metadata: String?
    /// When it happened, to the microsecond.
    public let createdAt: Date
}
