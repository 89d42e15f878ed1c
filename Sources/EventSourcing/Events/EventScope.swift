/// Which events are wanted; an empty list of a kind means all.
public struct EventScope: Sendable, Hashable {
    /// The aggregate types wanted, or empty for all.
    public var aggregateTypes: [String]
    /// The bounded contexts wanted, or empty for all.
    public var boundedContexts: [String]
    /// Which of their events are wanted, by their types, or by values in payload or metadata.
    public var filter: EventFilter

    /// Wants the events that are of one of the types and in one of the contexts, and that the filter lets pass.
    public init(aggregateTypes: [String] = [], boundedContexts: [String] = [], filter: EventFilter = .none) {
        self.aggregateTypes = aggregateTypes
        self.boundedContexts = boundedContexts
        self.filter = filter
    }

    /// All events.
    public static let all = EventScope()

    /// Whether every event is wanted.
    public var isAll: Bool { aggregateTypes.isEmpty && boundedContexts.isEmpty && filter.isEmpty }
}

extension EventScope {
    /// Whether an event is wanted. One of which it cannot be decided is, so that it is not passed over in silence.
    package func contains(_ event: EventView) -> Bool {
        containsName(of: event) && (filter.isEmpty || filter.decide(event) != .unwanted)
    }

    /// Whether an event is wanted that a query of the scope has found: of what conditions look into, the query knows nothing.
    package func wants(_ event: EventView) -> Bool {
        filter.conditions.isEmpty || filter.decide(event) != .unwanted
    }

    /// Whether an event's context and aggregate type are wanted.
    package func containsName(of event: EventView) -> Bool {
        func isNamed(_ list: [String], _ name: RawSpan) -> Bool {
            list.isEmpty || name.withUnsafeBytes { name in list.contains { $0.utf8.elementsEqual(name) } }
        }
        return isNamed(aggregateTypes, event.aggregateType) && isNamed(boundedContexts, event.boundedContext)
    }

    /// Whether the same events are wanted, however the names are ordered or repeated.
    package func isEquivalent(to other: EventScope) -> Bool {
        Set(aggregateTypes) == Set(other.aggregateTypes) && Set(boundedContexts) == Set(other.boundedContexts)
            && filter.isEquivalent(to: other.filter)
    }

    /// What any of the scopes wants, and perhaps more.
    package init(union scopes: [EventScope]) {
        func union<Name: Hashable>(_ list: KeyPath<EventScope, [Name]>) -> Set<Name> {
            scopes.contains { $0[keyPath: list].isEmpty } ? [] : Set(scopes.flatMap { $0[keyPath: list] })
        }
        // Only what each of them leaves out can be left out; conditions are looked at by each.
        let exceptions = scopes.map { Set($0.filter.exceptEventTypes) }
        let common = exceptions.dropFirst().reduce(exceptions.first ?? []) { $0.intersection($1) }
        self.init(
            aggregateTypes: union(\.aggregateTypes).sorted(), boundedContexts: union(\.boundedContexts).sorted(),
            filter: EventFilter(
                eventTypes: union(\.filter.eventTypes).sorted { $0.description < $1.description },
                exceptEventTypes: common.sorted { $0.description < $1.description }))
    }
}
