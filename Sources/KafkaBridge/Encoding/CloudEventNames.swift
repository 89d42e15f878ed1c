import Kafka

/// The headers of CloudEvents in binary mode. Attributes beyond the standard's are named like the event's columns, in
/// the small letters that the standard asks for.
enum CloudEventNames {
    static let contentType = HeaderName("content-type")
    static let specVersion = HeaderName("ce_specversion")
    static let id = HeaderName("ce_id")
    static let source = HeaderName("ce_source")
    static let type = HeaderName("ce_type")
    static let subject = HeaderName("ce_subject")
    static let time = HeaderName("ce_time")
    static let partitionKey = HeaderName("ce_partitionkey")
    static let traceParent = HeaderName("ce_traceparent")
    static let boundedContext = HeaderName("ce_boundedcontext")
    static let aggregateType = HeaderName("ce_aggregatetype")
    static let aggregateVersion = HeaderName("ce_aggregateversion")
    static let eventVersion = HeaderName("ce_eventversion")
    static let globalPosition = HeaderName("ce_globalposition")
    static let traceID = HeaderName("ce_traceid")
    static let correlationID = HeaderName("ce_correlationid")
    static let causationID = HeaderName("ce_causationid")

    /// More than all of these names and the fixed values take together.
    static let length = 400
}
