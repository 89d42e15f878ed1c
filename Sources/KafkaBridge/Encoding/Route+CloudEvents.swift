import EventSourcing
import Kafka

extension Route {
    /// - Parameter sent: what goes beside the content type and the attributes that the standard requires.
    func fillBinary(
        _ event: EventView, _ key: [UInt8]?, _ settings: RecordFormat.CloudEvents, _ sent: StandardHeaders,
        _ record: inout some RecordParts & ~Copyable
    ) {
        // The batch is kept by its source until librdkafka has let go of it.
        record.value(retained: event.payload)
        record.header(CloudEventNames.contentType, settings.contentType)
        record.header(CloudEventNames.specVersion, "1.0")
        let id = UUIDText(event.eventID)
        record.header(CloudEventNames.id, id.bytes.span.bytes)
        let source = Self.source(event, settings)
        record.header(CloudEventNames.source, source.span.bytes)
        record.header(CloudEventNames.type, event.eventType)
        if sent.contains(.aggregateID) { record.header(CloudEventNames.subject, event.aggregateID) }
        if sent.contains(.createdAt) {
            let time = TimestampText(microseconds: event.createdAtMicroseconds)
            record.header(CloudEventNames.time, time.bytes.span.bytes)
        }
        if sent.contains(.partitionKey) {
            if let key {
                record.header(CloudEventNames.partitionKey, key.span.bytes)
            } else {
                record.header(CloudEventNames.partitionKey, event.aggregateID)
            }
        }
        if sent.contains(.boundedContext) { record.header(CloudEventNames.boundedContext, event.boundedContext) }
        if sent.contains(.aggregateType) { record.header(CloudEventNames.aggregateType, event.aggregateType) }
        if sent.contains(.aggregateVersion) {
            record.header(CloudEventNames.aggregateVersion, decimal: event.aggregateVersion)
        }
        if sent.contains(.eventVersion) {
            record.header(CloudEventNames.eventVersion, decimal: Int64(event.eventVersion))
        }
        if sent.contains(.globalPosition) {
            record.header(CloudEventNames.globalPosition, decimal: event.globalPosition)
        }
        if sent.contains(.traceID) {
            if TraceParent.isOne(event.traceID) {
                record.header(CloudEventNames.traceParent, event.traceID)
            } else if event.traceID.byteCount > 0 {
                record.header(CloudEventNames.traceID, event.traceID)
            }
        }
        if sent.contains(.correlationID), event.correlationID.byteCount > 0 {
            record.header(CloudEventNames.correlationID, event.correlationID)
        }
        if sent.contains(.causationID), event.causationID.byteCount > 0 {
            record.header(CloudEventNames.causationID, event.causationID)
        }
    }

    /// - Parameter repairs: whether the event's texts may not be UTF-8.
    func fillStructured(
        _ event: EventView, _ key: [UInt8]?, _ settings: RecordFormat.CloudEvents, repairs: Bool,
        _ record: inout some RecordParts & ~Copyable
    ) {
        var json = JSONWriter(capacity: event.payload.byteCount + 1_000, repairs: repairs)
        json.member("specversion", Array("1.0".utf8))
        let id = UUIDText(event.eventID)
        json.member("id", id.bytes.span.bytes)
        json.member("source", Self.source(event, settings))
        json.member("type", event.eventType)
        json.member("subject", event.aggregateID)
        let time = TimestampText(microseconds: event.createdAtMicroseconds)
        json.member("time", time.bytes.span.bytes)
        json.member("datacontenttype", Array(settings.contentType.utf8))
        if let key { json.member("partitionkey", key) } else { json.member("partitionkey", event.aggregateID) }
        json.member("boundedcontext", event.boundedContext)
        json.member("aggregatetype", event.aggregateType)
        // The standard's integers have 32 bits, so the long ones are text.
        json.member("aggregateversion", Array("\(event.aggregateVersion)".utf8))
        json.member("eventversion", number: Int64(event.eventVersion))
        json.member("globalposition", Array("\(event.globalPosition)".utf8))
        if TraceParent.isOne(event.traceID) {
            json.member("traceparent", event.traceID)
        } else if event.traceID.byteCount > 0 {
            json.member("traceid", event.traceID)
        }
        if event.correlationID.byteCount > 0 { json.member("correlationid", event.correlationID) }
        if event.causationID.byteCount > 0 { json.member("causationid", event.causationID) }
        // A payload that only claims to be JSON would break the whole text.
        if settings.isJSON, JSONText.isValid(event.payload, depth: 1) {
            json.member("data", json: event.payload)
        } else {
            json.member("data_base64", base64: event.payload)
        }
        json.end()
        record.value(copying: json.bytes.span.bytes)
        record.header(CloudEventNames.contentType, "application/cloudevents+json; charset=UTF-8")
    }

    /// A URI reference: what its letters do not allow is percent-encoded.
    private static func source(_ event: EventView, _ settings: RecordFormat.CloudEvents) -> [UInt8] {
        var bytes: [UInt8] = []
        settings.source.append(event, to: &bytes) { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                true
            default: false
            }
        }
        return bytes
    }
}
