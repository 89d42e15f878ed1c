/// Which events are wanted; an empty list of a kind means all.
public struct EventScope: Sendable, Hashable {
    /// The aggregate types wanted, or empty for all.
    public var aggregateTypes: [String]
    /// The bounded contexts wanted, or empty for all.
    public var boundedContexts: [String]

    /// Wants the events that are of one of the types and in one of the contexts.
    public init(aggregateTypes: [String] = [], boundedContexts: [String] = []) {
        self.aggregateTypes = aggregateTypes
        self.boundedContexts = boundedContexts
    }

    /// All events.
    public static let all = EventScope()

    /// Whether every event is wanted.
    public var isAll: Bool { aggregateTypes.isEmpty && boundedContexts.isEmpty }
}
