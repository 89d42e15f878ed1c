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

    /// Whether no other header may have this name, with the prefix or without, whichever of these are sent: a reader must not
    /// take it for one of them. Upper and lower case are the same: many readers' frameworks do not tell them apart.
    package static func isTaken(_ name: String, prefix: String = "") -> Bool {
        let bare = name.lowercased()
        let sent = prefix.lowercased() + bare
        return taken.contains(bare) || reserved.contains { bare.hasPrefix($0) } || taken.contains(sent)
            || sent.hasPrefix("ce_") || ofRepublication.contains(sent)
    }

    private static let ofRepublication: Set<String> = [Republication.jobHeader, Republication.timeHeader]
    private static let reserved = ["ce_", "dead_letter_", "godwit_"]
    private static let taken = Set(
        StandardHeaders.columns.map(\.name) + ["content-type", "traceparent", "metadata_left_out"])

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
    }

    /// The bytes of these headers' names together.
    func length(of headers: StandardHeaders) -> Int {
        StandardHeaders.columns.reduce(0) { sum, column in
            headers.contains(column.header) ? sum + prefix.utf8.count + column.name.utf8.count : sum
        }
    }
}
