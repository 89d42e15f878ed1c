/// The events of one aggregate, in the order of their versions.
public struct Stream: Sendable, Hashable {
    /// The aggregate.
    public let aggregate: AggregateIdentity
    /// The events that were read; all of them, or a range of versions.
    public let events: [PersistedEvent]

    /// An aggregate's events, for tests of what decides on them.
    public init(aggregate: AggregateIdentity, events: [PersistedEvent]) {
        self.aggregate = aggregate
        self.events = events
    }

    /// The version of the last event read, 0 if there is none. Append with `exact(version)` what was decided on it.
    public var version: Int64 { events.last?.aggregateVersion ?? 0 }
    /// How many events were read.
    public var length: Int { events.count }
    /// Whether no event was read.
    public var isEmpty: Bool { events.isEmpty }
}

/// What distinguishes one aggregate from all others.
public struct AggregateIdentity: Sendable, Hashable {
    /// The bounded context.
    public let boundedContext: String
    /// The aggregate's type.
    public let aggregateType: String
    /// The identity within context and type.
    public let aggregateID: String

    /// Names an aggregate.
    public init(boundedContext: String, aggregateType: String, aggregateID: String) {
        self.boundedContext = boundedContext
        self.aggregateType = aggregateType
        self.aggregateID = aggregateID
    }
}

extension Event {
    /// The aggregate the event belongs to.
    public var aggregate: AggregateIdentity {
        AggregateIdentity(boundedContext: boundedContext, aggregateType: aggregateType, aggregateID: aggregateID)
    }
}

extension PersistedEvent {
    /// The aggregate the event belongs to.
    public var aggregate: AggregateIdentity {
        AggregateIdentity(boundedContext: boundedContext, aggregateType: aggregateType, aggregateID: aggregateID)
    }
}
