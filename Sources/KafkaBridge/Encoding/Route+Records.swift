import EventSourcing
import Kafka

extension Route {
    /// Gives everything of an event's record but its topic and partition.
    ///
    /// - Parameters:
    ///   - prepared: what was made of it before.
    ///   - note: what a record in the dead-letter topic says beside the event.
    func fill(
        _ event: EventView, _ prepared: PreparedRecord, note: DeadLetterNote?,
        _ record: inout some RecordParts & ~Copyable
    ) {
        let key = prepared.key
        if let note, note.isMinimal { return fillIdentity(event, key, note, &record) }
        if let key { record.key(key.span.bytes) } else { record.key(event.aggregateID) }
        // Without a time of its own a record gets the time of its sending. A dead letter does, since its event's time may be
        // what is wrong with it.
        if republication == nil, note == nil, let time = RecordTime.milliseconds(event.createdAtMicroseconds) {
            record.timestamp(milliseconds: time)
        }
        // A dead letter says which event it is, whatever else is left out.
        let sent = note == nil ? standardHeaders : standardHeaders.union(.eventID)
        // Most events without a trace show it by their lengths.
        let mayHaveTrace = event.metadata.byteCount > 0 || event.traceID.byteCount > 0
        let trace = traceHeaders.isEmpty || !mayHaveTrace ? nil : EventTrace(event, traceHeaders)
        let values = headerValues(event)
        switch format {
        case .payload: fillPayload(event, prepared, sent, &record)
        case .cloudEventsBinary(let settings):
            fillBinary(event, prepared, settings, sent, trace, isDeadLetter: note != nil, &record)
        case .cloudEventsStructured(let settings):
            if hasAttributesInHeaders(prepared, note) {
                fillBinary(event, prepared, settings, .standard, trace, isDeadLetter: note != nil, &record)
            } else {
                fillStructured(event, prepared, settings, trace, values, note, &record)
            }
        }
        if let values, hasAttributesInHeaders(prepared, note) { fillHeaders(values, &record) }
        trace?.fill(&record)
        republication?.fill(event, &record)
        note?.fill(&record)
    }

    /// What the event brings of headers beyond the standard ones; `nil` where none are asked for.
    private func headerValues(_ event: EventView) -> HeaderValues? {
        if addedHeaders.isEmpty, metadataHeaders.isEmpty || event.metadata.byteCount == 0 { return nil }
        let asAttributes = format != .payload
        var values = HeaderValues()
        addedHeaders.add(event, asAttributes: asAttributes, to: &values)
        metadataHeaders.add(event.metadata, asAttributes: asAttributes, to: &values)
        return values
    }

    /// Whether what the format adds to the payload is in headers. In structured mode the value has it, so that a record without a
    /// value has it in headers too.
    private func hasAttributesInHeaders(_ prepared: PreparedRecord, _ note: DeadLetterNote?) -> Bool {
        guard case .cloudEventsStructured = format else { return true }
        if case .none = prepared.value { return true }
        return note?.omittedBytes != nil
    }

    private func fillHeaders(_ values: HeaderValues, _ record: inout some RecordParts & ~Copyable) {
        for value in values.all { record.header(value.name, value.text) }
        if let leftOut = leftOut(values) { record.header(leftOut.name, leftOut.text) }
    }

    /// The header that names what was left out.
    func leftOut(_ values: HeaderValues) -> (name: HeaderName, text: String)? {
        if values.leftOut.isEmpty { return nil }
        let asAttribute = format != .payload
        let names = asAttribute ? values.leftOut.filter { AttributeText.isLegal($0) } : values.leftOut
        // Of names without bounds only some are told.
        let text = names.joined(separator: ",").cut(toBytes: Self.longestLeftOut)
        return text.isEmpty ? nil : (metadataHeaders.leftOutName(asAttribute: asAttribute), text)
    }

    static let longestLeftOut = 8_192

    /// A dead letter of an event of which not even the headers fit.
    private func fillIdentity(
        _ event: EventView, _ key: [UInt8]?, _ note: DeadLetterNote, _ record: inout some RecordParts & ~Copyable
    ) {
        if let key {
            if key.count <= DeadLetterNote.longestKey { record.key(key.span.bytes) }
        } else if event.aggregateID.byteCount <= DeadLetterNote.longestKey {
            record.key(event.aggregateID)
        }
        let id = UUIDText(event.eventID)
        record.header(format == .payload ? headers.eventID : CloudEventNames.id, id.bytes.span.bytes)
        note.fill(&record)
    }

    /// Gives the value where it is what the event's payload is, or is made of it.
    func fillValue(_ event: EventView, _ prepared: PreparedRecord, _ record: inout some RecordParts & ~Copyable) {
        switch prepared.value {
        // The batch is kept by its source until librdkafka has let go of it.
        case .payload: record.value(retained: event.payload)
        // So is what was prepared.
        case .made(let bytes): record.value(retained: bytes.span.bytes)
        case .none: break
        }
    }

    private func fillPayload(
        _ event: EventView, _ prepared: PreparedRecord, _ sent: StandardHeaders,
        _ record: inout some RecordParts & ~Copyable
    ) {
        fillValue(event, prepared, &record)
        if sent.contains(.eventID) {
            let id = UUIDText(event.eventID)
            record.header(headers.eventID, id.bytes.span.bytes)
        }
        if sent.contains(.eventType) { record.header(headers.eventType, event.eventType) }
        if sent.contains(.eventVersion), event.hasEventVersion {
            record.header(headers.eventVersion, decimal: Int64(event.eventVersion))
        }
        if sent.contains(.boundedContext), event.hasBoundedContext {
            record.header(headers.boundedContext, event.boundedContext)
        }
        if sent.contains(.aggregateType) { record.header(headers.aggregateType, event.aggregateType) }
        if sent.contains(.aggregateID) { record.header(headers.aggregateID, event.aggregateID) }
        if sent.contains(.aggregateVersion), event.hasAggregateVersion {
            record.header(headers.aggregateVersion, decimal: event.aggregateVersion)
        }
        if sent.contains(.globalPosition) { record.header(headers.globalPosition, decimal: event.globalPosition) }
        if sent.contains(.createdAt), event.hasCreatedAt {
            let time = TimestampText(microseconds: event.createdAtMicroseconds)
            record.header(headers.createdAt, time.bytes.span.bytes)
        }
        if sent.contains(.traceID), event.traceID.byteCount > 0 { record.header(headers.traceID, event.traceID) }
        if sent.contains(.correlationID), event.correlationID.byteCount > 0 {
            record.header(headers.correlationID, event.correlationID)
        }
        if sent.contains(.causationID), event.causationID.byteCount > 0 {
            record.header(headers.causationID, event.causationID)
        }
    }
}
