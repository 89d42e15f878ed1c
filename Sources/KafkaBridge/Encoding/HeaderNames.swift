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
            || sent.hasPrefix("ce_") || sent.hasPrefix("dead_letter_") || ofRepublication.contains(sent)
            || (!prefix.isEmpty && TraceHeaders.isName(sent))
    }

    /// Whether this name is refused for an attribute of CloudEvents: readers would take it for one of these headers.
    static func isTaken(attribute: String) -> Bool {
        attributesTaken.contains(attribute) || ["deadletter", "godwit"].contains { attribute.hasPrefix($0) }
    }

    private static let attributesTaken = Set(taken.compactMap { AttributeText.name($0) })

    private static let ofRepublication: Set<String> = [Republication.jobHeader, Republication.timeHeader]
    private static let reserved = ["ce_", "dead_letter_", "godwit_"]
    private static let taken = Set(StandardHeaders.columns.map(\.name) + ["content-type", "metadata_left_out"])

    /// - Parameter renamed: other names for some of them, by the columns that they are made of.
    package init(prefix: String = "", renamed: [String: String] = [:]) {
        self.prefix = prefix
        func name(_ column: String) -> HeaderName { HeaderName(prefix + (renamed[column] ?? column)) }
        eventID = name("event_id")
        eventType = name("event_type")
        eventVersion = name("event_version")
        boundedContext = name("bounded_context")
        aggregateType = name("aggregate_type")
        aggregateID = name("aggregate_id")
        aggregateVersion = name("aggregate_version")
        globalPosition = name("global_position")
        createdAt = name("created_at")
        traceID = name("trace_id")
        correlationID = name("correlation_id")
        causationID = name("causation_id")
    }

    /// The names with the headers that have them.
    private var all: [(header: StandardHeaders, name: HeaderName)] {
        [
            (.eventID, eventID), (.eventType, eventType), (.eventVersion, eventVersion),
            (.boundedContext, boundedContext), (.aggregateType, aggregateType), (.aggregateID, aggregateID),
            (.aggregateVersion, aggregateVersion), (.globalPosition, globalPosition), (.createdAt, createdAt),
            (.traceID, traceID), (.correlationID, correlationID), (.causationID, causationID),
        ]
    }

    /// What a header is called in records, with the prefix; `nil` for one of no column.
    package func name(of header: StandardHeaders) -> String? {
        all.first { $0.header == header }?.name.description
    }

    /// The bytes of these headers' names together.
    func length(of headers: StandardHeaders) -> Int {
        all.reduce(0) { headers.contains($1.header) ? $0 + $1.name.byteCount : $0 }
    }
}
