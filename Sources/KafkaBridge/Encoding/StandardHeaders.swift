/// Which of the standard headers records carry: those that are made of an event's columns. Decided once for a route.
///
/// Each header is an allocation in librdkafka and bytes on every way, so a dozen of them are what a small record costs most.
/// Headers that say why a record is there at all, of a republication or of a dead letter, are no part of the choice; neither are
/// those that a route asks for by a list of its own (``MetadataHeaders``).
package struct StandardHeaders: OptionSet, Sendable, Hashable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let eventID = StandardHeaders(rawValue: 1 << 0)
    package static let eventType = StandardHeaders(rawValue: 1 << 1)
    static let eventVersion = StandardHeaders(rawValue: 1 << 2)
    static let boundedContext = StandardHeaders(rawValue: 1 << 3)
    static let aggregateType = StandardHeaders(rawValue: 1 << 4)
    static let aggregateID = StandardHeaders(rawValue: 1 << 5)
    static let aggregateVersion = StandardHeaders(rawValue: 1 << 6)
    static let globalPosition = StandardHeaders(rawValue: 1 << 7)
    static let createdAt = StandardHeaders(rawValue: 1 << 8)
    static let traceID = StandardHeaders(rawValue: 1 << 9)
    static let correlationID = StandardHeaders(rawValue: 1 << 10)
    static let causationID = StandardHeaders(rawValue: 1 << 11)
    /// The record's key once more, as CloudEvents' extension. Of no column, so that no list names it.
    static let partitionKey = StandardHeaders(rawValue: 1 << 12)

    /// All.
    package static let standard = StandardHeaders(rawValue: 1 << 13 - 1)

    /// What CloudEvents require and the event has to say; `ce_source` and `ce_specversion` are always there.
    package static let requiredByCloudEvents: StandardHeaders = [.eventID, .eventType]

    /// The fewest by which a reader knows what it has seen, what to do with it, and where it belongs.
    ///
    /// The id is what `verify` and deduplication rest on. The type decides how the value is read. The position grows within an
    /// aggregate, so that one number for each key shows a repeated event as well, and it is what commands take. The
    /// aggregate's id is the record's key, the time is the record's own.
    package static func minimal(in format: RecordFormat) -> StandardHeaders {
        switch format {
        case .payload: [.eventID, .eventType, .globalPosition]
        // What the standard calls required, and no extensions.
        case .cloudEventsBinary, .cloudEventsStructured: .requiredByCloudEvents
        }
    }

    /// Those that a list may name, by the columns they are made of.
    package static let columns: [(name: String, header: StandardHeaders)] = [
        ("event_id", .eventID), ("event_type", .eventType), ("event_version", .eventVersion),
        ("bounded_context", .boundedContext), ("aggregate_type", .aggregateType), ("aggregate_id", .aggregateID),
        ("aggregate_version", .aggregateVersion), ("global_position", .globalPosition), ("created_at", .createdAt),
        ("trace_id", .traceID), ("correlation_id", .correlationID), ("causation_id", .causationID),
    ]

    /// How many there are.
    var count: Int { rawValue.nonzeroBitCount }
}
