import Kafka

/// The headers that records can have, as documentation.
package enum HeaderReference {
    /// The page `Headers.md` of the documentation.
    package static var markdown: String {
        let standard = StandardHeaders.columns.map { name, header in
            let isMinimal = StandardHeaders.minimal(in: .payload).contains(header)
            return "| `\(name)` | `\(attribute(header))` | \(isMinimal ? "yes" : "") | \(meaning(header)) |"
        }
        let traces = TraceHeaders.named.map { name, header in
            "| `\(name)` | \(header == .baggage ? "" : "`ce_\(name)`") | \(meaning(header)) |"
        }
        return """
            # Headers

            Every header that a record can have. [What a record carries](Records.md) explains how to choose among them.

            Numbers are decimal text, ids are UUIDs in lower case, times are RFC 3339 in UTC with microseconds. A header whose value the
            event does not have is left out. This page is what `godwit config headers` prints.

            ## Standard headers

            They are made of the event's columns. Their names begin with `header_prefix`, if one is configured, and can be changed by
            `headers`. *minimal* says whether `headers: minimal` sends them. In the CloudEvents formats they are attributes; their names
            in binary mode are in the second column, and in structured mode they have no `ce_`.

            | header | CloudEvents, binary mode | minimal | meaning |
            |---|---|---|---|
            \(standard.joined(separator: "\n"))

            CloudEvents have these attributes as well:

            | header | meaning |
            |---|---|
            | `content-type` | the type of the value; in structured mode the only header |
            | `\(CloudEventNames.specVersion)` | `1.0` |
            | `\(CloudEventNames.source)` | `cloudevents_source` of the consumer, filled in for the event |
            | `\(CloudEventNames.partitionKey)` | the record's key once more; with `headers: standard` only |

            ## Traces

            `trace_headers` chooses among them. `header_prefix` does not change their names.

            | header | CloudEvents attribute too | meaning |
            |---|---|---|
            \(traces.joined(separator: "\n"))

            ## Headers that Godwit adds

            They are there whatever `headers` says.

            | header | in which records | meaning |
            |---|---|---|
            | `\(Republication.jobHeader)` | those that a job published again | the job's name |
            | `\(Republication.timeHeader)` | those that a job published again | when the event happened |
            | `metadata_left_out` | those whose metadata did not fit | the members that were left out; in CloudEvents `ce_metadataleftout` |
            \(DeadLetterNote.headers.map { "| `dead_letter_\($0)` | dead letters | \($1) |" }.joined(separator: "\n"))

            `metadata_left_out` and the headers of dead letters begin with `header_prefix` too.
            """
    }

    private static func attribute(_ header: StandardHeaders) -> String {
        let name =
            switch header {
            case .eventID: CloudEventNames.id
            case .eventType: CloudEventNames.type
            case .eventVersion: CloudEventNames.eventVersion
            case .boundedContext: CloudEventNames.boundedContext
            case .aggregateType: CloudEventNames.aggregateType
            case .aggregateID: CloudEventNames.subject
            case .aggregateVersion: CloudEventNames.aggregateVersion
            case .globalPosition: CloudEventNames.globalPosition
            case .createdAt: CloudEventNames.time
            case .traceID: CloudEventNames.traceID
            case .correlationID: CloudEventNames.correlationID
            default: CloudEventNames.causationID
            }
        return name.description
    }

    private static func meaning(_ header: StandardHeaders) -> String {
        switch header {
        case .eventID: "the event's id, the same each time the event is published; a reader knows repeated events by it"
        case .eventType: "the event's type, which says how to read the value"
        case .eventVersion: "the version of the event's type"
        case .boundedContext: "the bounded context that the event belongs to"
        case .aggregateType: "the aggregate's type"
        case .aggregateID: "the aggregate's id; by default the record's key too"
        case .aggregateVersion: "the event's number within its aggregate, from 1"
        case .globalPosition: "the event's position in the table; it grows within an aggregate"
        case .createdAt: "when the event was written, by its writer or the database; the record's time too"
        case .traceID: "the trace's id, as its writer gave it"
        case .correlationID: "the business process that the event belongs to, as its writer gave it"
        default: "the event or command that caused this event, as its writer gave it"
        }
    }

    private static func meaning(_ header: TraceHeaders) -> String {
        switch header {
        case .parent: "the position in the trace, W3C Trace Context"
        case .state: "what vendors add to it; beside a `traceparent` only"
        default: "W3C Baggage, from the metadata"
        }
    }
}
