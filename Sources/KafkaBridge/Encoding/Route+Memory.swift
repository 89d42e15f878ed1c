import Consumers
import EventSourcing

extension Route {
    /// What the records of a batch take until they are acknowledged, beside the batch, in bytes.
    func memory(of batch: FeedBatch) -> Int {
        let constant = batch.selection.count * memoryPerEvent
        guard let events = batch.events else { return constant }
        // Where events are small, their texts are within the constant part.
        if batch.memorySize > batch.selection.count * Self.usualRow || copiesValues || projection != nil {
            return batch.selection.reduce(constant) { sum, selected in sum + memory(of: events[selected.index]) }
        }
        if traceHeaders.isEmpty { return constant }
        return batch.selection.reduce(constant) { sum, selected in sum + traceMemory(of: events[selected.index]) }
    }

    private func memory(of event: EventView) -> Int {
        let documents =
            (usesMetadata ? event.metadata.byteCount : 0) + (usesPayload ? event.payload.byteCount : 0)
        // A structured value is made, and then copied for the client; what is left of a payload is kept beside it.
        let copies = (copiesValues ? 2 : 0) + (projection == nil ? 0 : 1)
        return 2 * event.textLength + min(documents, 2 * MetadataHeaders.maximumTotalBytes) + keys(event)
            + copies * event.payload.byteCount + traceMemory(of: event)
    }

    /// Most events have no trace.
    private func traceMemory(of event: EventView) -> Int {
        if traceHeaders.isEmpty || event.traceID.byteCount == 0 && event.metadata.byteCount == 0 { return 0 }
        let count = traceHeaders.count + (format == .payload ? 0 : 1)
        return (headerCount == 0 ? Self.headerList : 0) + count * Self.header
    }

    /// What keys of places in the event can take: one is kept, and one is the client's.
    private func keys(_ event: EventView) -> Int {
        guard let template = key.template, template.usesContents else { return 0 }
        return 2
            * ((template.uses(.metadata) ? event.metadata.byteCount : 0)
                + (template.uses(.payload) ? event.payload.byteCount : 0))
    }

    private var usesPayload: Bool { addedHeaders.uses(.payload) }

    /// The memory of a row whose texts are short.
    private static let usualRow = 4_096

    private var copiesValues: Bool {
        if case .cloudEventsStructured = format { true } else { false }
    }

    /// What an event of this route takes beside its values, in bytes: librdkafka's message, its headers and its share of a
    /// request. Measured by `mallinfo2` with librdkafka 2.0.2: 193 for a message, 208 for a list of headers, 64 to 128 for each
    /// header in it.
    var memoryPerEvent: Int {
        let count = headerCount
        let prepared = preparesRecords ? Self.prepared : 0
        return prepared + Self.message + (count == 0 ? 0 : Self.headerList + count * Self.header)
    }

    private static let message = 256
    /// What is kept of a record that is prepared: its place, and two arrays.
    private static let prepared = 112
    private static let headerList = 200
    private static let header = 90

    /// The most headers that a record has, but for a dead letter's own.
    private var headerCount: Int {
        let own =
            switch format {
            // The partition key is of CloudEvents alone.
            case .payload: standardHeaders.subtracting(.partitionKey).count
            // `content-type`, `ce_specversion` and `ce_source` too.
            case .cloudEventsBinary: standardHeaders.union(.requiredByCloudEvents).count + 3
            case .cloudEventsStructured: 1
            }
        return own + metadataHeaders.count + addedHeaders.count + (republication == nil ? 0 : 2)
    }
}
