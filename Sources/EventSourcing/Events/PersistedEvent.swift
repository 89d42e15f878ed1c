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

    /// An event as if it had been stored, for tests of what handles events.
    public init(
        globalPosition: Int64, boundedContext: String, aggregateType: String, aggregateID: String,
        aggregateVersion: Int64 = 1, eventID: UUID = UUID(), eventType: String, eventVersion: Int32 = 1,
        payload: [UInt8], traceID: String? = nil, correlationID: String? = nil, causationID: String? = nil,
        metadata: String? = nil, createdAt: Date = Date()
    ) {
        self.globalPosition = globalPosition
        self.boundedContext = boundedContext
        self.aggregateType = aggregateType
        self.aggregateID = aggregateID
        self.aggregateVersion = aggregateVersion
        self.eventID = eventID
        self.eventType = eventType
        self.eventVersion = eventVersion
        self.payload = payload
        self.traceID = traceID
        self.correlationID = correlationID
        self.causationID = causationID
        self.metadata = metadata
        self.createdAt = createdAt
    }

    /// The event as if it had been appended at a position, for tests of what handles events.
    public init(_ event: Event, globalPosition: Int64, aggregateVersion: Int64 = 1) {
        self.init(
            globalPosition: globalPosition, boundedContext: event.boundedContext, aggregateType: event.aggregateType,
            aggregateID: event.aggregateID, aggregateVersion: aggregateVersion, eventID: event.eventID,
            eventType: event.eventType, eventVersion: event.eventVersion, payload: event.payload,
            traceID: event.traceID, correlationID: event.correlationID, causationID: event.causationID,
            metadata: event.metadata, createdAt: event.createdAt ?? Date())
    }
}
