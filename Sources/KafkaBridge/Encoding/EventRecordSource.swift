import EventSourcing
import Kafka

/// The records of some rows of a batch, read in libpq's memory while they are sent.
final class EventRecordSource: RecordSource {
    struct Item: Sendable {
        /// The row in the batch.
        let row: Int
        let topic: TopicHandle
        let partition: Int32
        /// The key, where it is not the aggregate's id.
        let key: [UInt8]?
        /// What the record says beside the event, in the dead-letter topic.
        var note: DeadLetterNote?
    }

    let events: EventBatch
    let items: [Item]
    let route: Route

    init(_ events: EventBatch, _ items: [Item], _ route: Route) {
        self.events = events
        self.items = items
        self.route = route
    }

    var count: Int { items.count }

    func fill(_ index: Int, _ record: inout RecordWriter) {
        let item = items[index]
        let event = events[item.row]
        record.topic(item.topic)
        record.partition(item.partition)
        if let key = item.key { record.key(key.span.bytes) } else { record.key(event.aggregateID) }
        // Without a time of its own a record gets the time of its sending.
        if route.republication == nil {
            record.timestamp(milliseconds: RecordTime.milliseconds(event.createdAtMicroseconds))
        }
        switch route.format {
        case .payload: fillPayload(event, &record)
        case .cloudEventsBinary(let settings): fillBinary(event, item.key, settings, &record)
        case .cloudEventsStructured(let settings): fillStructured(event, item.key, settings, &record)
        }
        route.metadataHeaders.fill(event, &record)
        route.republication?.fill(event, &record)
        item.note?.fill(&record)
    }

    private func fillPayload(_ event: EventView, _ record: inout RecordWriter) {
        // The batch is kept by this source until librdkafka has let go of it.
        record.value(retained: event.payload)
        let names = route.headers
        let id = UUIDText(event.eventID)
        record.header(names.eventID, id.bytes.span.bytes)
        record.header(names.eventType, event.eventType)
        record.header(names.eventVersion, decimal: Int64(event.eventVersion))
        record.header(names.boundedContext, event.boundedContext)
        record.header(names.aggregateType, event.aggregateType)
        record.header(names.aggregateID, event.aggregateID)
        record.header(names.aggregateVersion, decimal: event.aggregateVersion)
        record.header(names.globalPosition, decimal: event.globalPosition)
        let time = TimestampText(microseconds: event.createdAtMicroseconds)
        record.header(names.createdAt, time.bytes.span.bytes)
        if event.traceID.byteCount > 0 { record.header(names.traceID, event.traceID) }
        if event.correlationID.byteCount > 0 { record.header(names.correlationID, event.correlationID) }
        if event.causationID.byteCount > 0 { record.header(names.causationID, event.causationID) }
    }
}
