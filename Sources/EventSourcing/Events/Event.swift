public import FoundationEssentials

/// Something that happened to an aggregate, not yet stored.
public struct Event: Sendable, Hashable {
    /// The bounded context the aggregate belongs to; never empty.
    public var boundedContext: String
    /// The aggregate's type; never empty.
    public var aggregateType: String
    /// The aggregate's identity within its context and type; never empty. It becomes the key of the Kafka record.
    public var aggregateID: String
    /// The event's own identity: readers tell a repeated delivery by it.
    public var eventID: UUID
    /// The event's type; never empty.
    public var eventType: String
    /// The version of the event type's schema.
    public var eventVersion: Int32
    /// The content, carried byte for byte.
    public var payload: [UInt8]
    /// The trace the event belongs to.
    public var traceID: String?
    /// The business process the event belongs to.
    public var correlationID: String?
    /// What caused the event.
    public var causationID: String?
    /// A JSON text beside the payload.
    public var metadata: String?
    /// When it happened, to the microsecond; `nil` for the begin of the appending transaction.
    public var createdAt: Date?

    /// Makes an event.
    public init(
        boundedContext: String, aggregateType: String, aggregateID: String, eventID: UUID = UUID(), eventType: String,
        eventVersion: Int32 = 1, payload: [UInt8], traceID: String? = nil, correlationID: String? = nil,
        causationID: String? = nil, metadata: String? = nil, createdAt: Date? = nil
    ) {
        self.boundedContext = boundedContext
        self.aggregateType = aggregateType
        self.aggregateID = aggregateID
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
}
