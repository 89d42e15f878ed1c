import EventSourcing
import Kafka

extension Route {
    /// - Parameter sent: what goes beside the content type and the attributes that the standard requires.
    func fillBinary(
        _ event: EventView, _ prepared: PreparedRecord, _ settings: RecordFormat.CloudEvents, _ sent: StandardHeaders,
        _ trace: EventTrace?, isDeadLetter: Bool, _ record: inout some RecordParts & ~Copyable
    ) {
        fillValue(event, prepared, &record)
        record.header(CloudEventNames.contentType, settings.contentType)
        record.header(CloudEventNames.specVersion, "1.0")
        let id = UUIDText(event.eventID)
        record.header(CloudEventNames.id, id.bytes.span.bytes)
        let source = Self.source(event, settings, isDeadLetter: isDeadLetter)
        record.header(CloudEventNames.source, source.span.bytes)
        if isDeadLetter, !Self.isFit(event.eventType) {
            record.header(CloudEventNames.type, Self.unfit)
        } else {
            record.header(CloudEventNames.type, event.eventType)
        }
        if sent.contains(.aggregateID) { attribute(CloudEventNames.subject, event.aggregateID, &record) }
        if sent.contains(.createdAt), event.hasCreatedAt {
            let time = TimestampText(microseconds: event.createdAtMicroseconds)
            record.header(CloudEventNames.time, time.bytes.span.bytes)
        }
        if sent.contains(.partitionKey) {
            if let key = prepared.key {
                attribute(CloudEventNames.partitionKey, key.span.bytes, &record)
            } else {
                attribute(CloudEventNames.partitionKey, event.aggregateID, &record)
            }
        }
        if sent.contains(.boundedContext) { attribute(CloudEventNames.boundedContext, event.boundedContext, &record) }
        if sent.contains(.aggregateType) { attribute(CloudEventNames.aggregateType, event.aggregateType, &record) }
        if sent.contains(.aggregateVersion), event.hasAggregateVersion {
            record.header(CloudEventNames.aggregateVersion, decimal: event.aggregateVersion)
        }
        if sent.contains(.eventVersion), event.hasEventVersion {
            record.header(CloudEventNames.eventVersion, decimal: Int64(event.eventVersion))
        }
        if sent.contains(.globalPosition) {
            record.header(CloudEventNames.globalPosition, decimal: event.globalPosition)
        }
        fillTrace(event, sent, trace, &record)
        if sent.contains(.correlationID) { attribute(CloudEventNames.correlationID, event.correlationID, &record) }
        if sent.contains(.causationID) { attribute(CloudEventNames.causationID, event.causationID, &record) }
    }

    /// The value, in a dead letter, of a required attribute that its event leaves empty, or not as the standard allows: its readers have
    /// CloudEvents too.
    static let unfit = "undeliverable"

    private static func isFit(_ text: RawSpan) -> Bool { text.byteCount > 0 && AttributeText.isLegal(text) }

    /// A `traceparent` that the column of the trace's id has, which goes on only where traces do.
    private func ownParent(_ event: EventView) -> InlineArray<55, UInt8>? {
        traceHeaders.contains(.parent) ? TraceParent.read(event.traceID) : nil
    }

    private func fillTrace(
        _ event: EventView, _ sent: StandardHeaders, _ trace: EventTrace?, _ record: inout some RecordParts & ~Copyable
    ) {
        let own = ownParent(event)
        if let parent = trace?.parent {
            record.header(CloudEventNames.traceParent, parent.span.bytes)
            if let state = trace?.state { record.header(TraceHeaders.stateAttribute, state.span.bytes) }
        } else if let own, sent.contains(.traceID) {
            record.header(CloudEventNames.traceParent, own.span.bytes)
        }
        if own == nil, sent.contains(.traceID) { attribute(CloudEventNames.traceID, event.traceID, &record) }
    }

    /// An optional attribute, which is never empty; one that the standard does not allow is left out.
    private func attribute(_ name: HeaderName, _ text: RawSpan, _ record: inout some RecordParts & ~Copyable) {
        if text.byteCount > 0, AttributeText.isLegal(text) { record.header(name, text) }
    }

    func fillStructured(
        _ event: EventView, _ prepared: PreparedRecord, _ settings: RecordFormat.CloudEvents, _ trace: EventTrace?,
        _ values: HeaderValues?, _ note: DeadLetterNote?, _ record: inout some RecordParts & ~Copyable
    ) {
        // The texts of a malformed event may not be UTF-8.
        var json = JSONWriter(
            capacity: prepared.valueLength(event) + 1_000, repairs: note?.reason == .malformed)
        json.member("specversion", Array("1.0".utf8))
        let id = UUIDText(event.eventID)
        json.member("id", id.bytes.span.bytes)
        json.member("source", Self.source(event, settings, isDeadLetter: note != nil))
        if note != nil, !Self.isFit(event.eventType) {
            json.member("type", Array(Self.unfit.utf8))
        } else {
            json.member("type", event.eventType)
        }
        Self.attribute("subject", event.aggregateID, &json)
        if event.hasCreatedAt {
            let time = TimestampText(microseconds: event.createdAtMicroseconds)
            json.member("time", time.bytes.span.bytes)
        }
        json.member("datacontenttype", Array(settings.contentType.utf8))
        if let key = prepared.key {
            Self.attribute("partitionkey", key.span.bytes, &json)
        } else {
            Self.attribute("partitionkey", event.aggregateID, &json)
        }
        Self.attribute("boundedcontext", event.boundedContext, &json)
        Self.attribute("aggregatetype", event.aggregateType, &json)
        // The standard's integers have 32 bits, so the long ones are text.
        if event.hasAggregateVersion { json.member("aggregateversion", Array("\(event.aggregateVersion)".utf8)) }
        if event.hasEventVersion { json.member("eventversion", number: Int64(event.eventVersion)) }
        json.member("globalposition", Array("\(event.globalPosition)".utf8))
        writeTrace(event, trace, &json)
        Self.attribute("correlationid", event.correlationID, &json)
        Self.attribute("causationid", event.causationID, &json)
        if let values {
            for value in values.all { json.member(named: Self.attributeName(value.name), value.text) }
            if let leftOut = leftOut(values) { json.member(named: Self.attributeName(leftOut.name), leftOut.text) }
        }
        switch prepared.value {
        case .made(let bytes): Self.writeData(bytes.span.bytes, settings, &json)
        case .payload, .none: Self.writeData(event.payload, settings, &json)
        }
        json.end()
        record.value(copying: json.bytes.span.bytes)
        record.header(CloudEventNames.contentType, "application/cloudevents+json; charset=UTF-8")
    }

    private func writeTrace(_ event: EventView, _ trace: EventTrace?, _ json: inout JSONWriter) {
        let own = ownParent(event)
        if let parent = trace?.parent {
            json.member("traceparent", parent.span.bytes)
            if let state = trace?.state { json.member("tracestate", state.span.bytes) }
        } else if let own {
            json.member("traceparent", own.span.bytes)
        }
        if own == nil { Self.attribute("traceid", event.traceID, &json) }
    }

    private static func writeData(_ data: RawSpan, _ settings: RecordFormat.CloudEvents, _ json: inout JSONWriter) {
        // A payload that only claims to be JSON would break the whole text.
        if settings.isJSON, JSONText.isValid(data, depth: 1) {
            json.member("data", json: data)
        } else {
            json.member("data_base64", base64: data)
        }
    }

    /// As in binary mode.
    private static func attribute(_ name: StaticString, _ text: RawSpan, _ json: inout JSONWriter) {
        if text.byteCount > 0, AttributeText.isLegal(text) { json.member(name, text) }
    }

    /// Without `ce_`.
    private static func attributeName(_ header: HeaderName) -> String { String(header.description.dropFirst(3)) }

    /// A URI reference: what its letters do not allow is percent-encoded.
    private static func source(
        _ event: EventView, _ settings: RecordFormat.CloudEvents, isDeadLetter: Bool
    ) -> [UInt8] {
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
        return isDeadLetter && bytes.isEmpty ? Array(unfit.utf8) : bytes
    }
}
