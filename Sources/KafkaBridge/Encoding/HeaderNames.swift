import Kafka

/// The headers of a record in the format `payload`: what the event's columns are called, behind a prefix of choice.
///
/// Numbers and the version are decimal text, the event's id is a UUID in lower case, the time is RFC 3339 in UTC with
/// microseconds. Ids that the event does not have are left out.
package struct HeaderNames: Sendable, Hashable {
    package let prefix: String
    let eventID, eventType, eventVersion: HeaderName
    let boundedContext, aggregateType, aggregateID, aggregateVersion: HeaderName
    let globalPosition, createdAt: HeaderName
    let traceID, correlationID, causationID: HeaderName
    /// The bytes of all names together.
    let length: Int

    /// What a header beside these may not be called.
    package static func isTaken(_ name: String) -> Bool { taken.contains(name) || name.hasPrefix("ce_") }

    private static let taken: Set<String> = [
        "event_id", "event_type", "event_version", "bounded_context", "aggregate_type", "aggregate_id",
        "aggregate_version", "global_position", "created_at", "trace_id", "correlation_id", "causation_id",
        "content-type", "traceparent", "metadata_left_out",
    ]

    package init(prefix: String = "") {
        self.prefix = prefix
        eventID = HeaderName(prefix + "event_id")
        eventType = HeaderName(prefix + "event_type")
        eventVersion = HeaderName(prefix + "event_version")
        boundedContext = HeaderName(prefix + "bounded_context")
        aggregateType = HeaderName(prefix + "aggregate_type")
        aggregateID = HeaderName(prefix + "aggregate_id")
        aggregateVersion = HeaderName(prefix + "aggregate_version")
        globalPosition = HeaderName(prefix + "global_position")
        createdAt = HeaderName(prefix + "created_at")
        traceID = HeaderName(prefix + "trace_id")
        correlationID = HeaderName(prefix + "correlation_id")
        causationID = HeaderName(prefix + "causation_id")
        let all = [
            eventID, eventType, eventVersion, boundedContext, aggregateType, aggregateID, aggregateVersion,
            globalPosition, createdAt, traceID, correlationID, causationID,
        ]
        length = all.reduce(0) { $0 + $1.description.utf8.count }
    }
}
