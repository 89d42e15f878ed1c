import Consumers
import EventSourcing

extension Route {
    /// What the records of a batch take until they are acknowledged, beside the batch, in bytes.
    func memory(of batch: FeedBatch) -> Int {
        let constant = batch.selection.count * memoryPerEvent
        // Where events are small, their texts are within the constant part.
        guard let events = batch.events, batch.memorySize > batch.selection.count * Self.usualRow || copiesValues else {
            return constant
        }
        return batch.selection.reduce(constant) { sum, selected in
            let event = events[selected.index]
            let metadata =
                metadataHeaders.isEmpty ? 0 : min(event.metadata.byteCount, MetadataHeaders.maximumTotalBytes)
            // A structured value is made, and then copied for the client.
            return sum + 2 * event.textLength + metadata + (copiesValues ? 2 * event.payload.byteCount : 0)
        }
    }

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
        return Self.message + (count == 0 ? 0 : Self.headerList + count * Self.header)
    }

    private static let message = 256
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
        return own + metadataHeaders.members.count + (republication == nil ? 0 : 2)
    }
}
