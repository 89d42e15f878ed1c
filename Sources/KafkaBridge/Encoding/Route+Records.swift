import EventSourcing
import Kafka

extension Route {
    /// Gives everything of an event's record but its topic and partition.
    ///
    /// - Parameters:
    ///   - key: `nil` for the aggregate's id.
    ///   - note: what a record in the dead-letter topic says beside the event.
    func fill(
        _ event: EventView, key: [UInt8]?, note: DeadLetterNote?, _ record: inout some RecordParts & ~Copyable
    ) {
        if let note, note.isMinimal { return fillIdentity(event, key, note, &record) }
        if let key { record.key(key.span.bytes) } else { record.key(event.aggregateID) }
        // Without a time of its own a record gets the time of its sending. A dead letter does, since its event's time may be
        // what is wrong with it.
        if republication == nil, note == nil, let time = RecordTime.milliseconds(event.createdAtMicroseconds) {
            record.timestamp(milliseconds: time)
        }
        // A dead letter says which event it is, whatever else is left out.
        let sent = note == nil ? standardHeaders : standardHeaders.union(.eventID)
        switch format {
        case .payload: fillPayload(event, sent, &record)
        case .cloudEventsBinary(let settings): fillBinary(event, key, settings, sent, &record)
        case .cloudEventsStructured(let settings):
            fillStructured(event, key, settings, repairs: note?.reason == .malformed, &record)
        }
        metadataHeaders.fill(event, &record)
        republication?.fill(event, &record)
        note?.fill(&record)
    }

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

    private func fillPayload(
        _ event: EventView, _ sent: StandardHeaders, _ record: inout some RecordParts & ~Copyable
    ) {
        // The batch is kept by its source until librdkafka has let go of it.
        record.value(retained: event.payload)
        if sent.contains(.eventID) {
            let id = UUIDText(event.eventID)
            record.header(headers.eventID, id.bytes.span.bytes)
        }
        if sent.contains(.eventType) { record.header(headers.eventType, event.eventType) }
        if sent.contains(.eventVersion) { record.header(headers.eventVersion, decimal: Int64(event.eventVersion)) }
        if sent.contains(.boundedContext) { record.header(headers.boundedContext, event.boundedContext) }
        if sent.contains(.aggregateType) { record.header(headers.aggregateType, event.aggregateType) }
        if sent.contains(.aggregateID) { record.header(headers.aggregateID, event.aggregateID) }
        if sent.contains(.aggregateVersion) { record.header(headers.aggregateVersion, decimal: event.aggregateVersion) }
        if sent.contains(.globalPosition) { record.header(headers.globalPosition, decimal: event.globalPosition) }
        if sent.contains(.createdAt) {
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
