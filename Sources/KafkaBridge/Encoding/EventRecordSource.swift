import EventSourcing
import Kafka

/// The records of some rows of a batch, read in libpq's memory while they are sent.
final class EventRecordSource: RecordSource {
    struct Item: Sendable {
        /// The row in the batch.
        let row: Int
        let topic: TopicHandle
        let partition: Int32
    }

    let events: EventBatch
    let items: [Item]
    /// The keys by the items' indices, `nil` for an aggregate's id; empty where all keys are.
    private let keys: [[UInt8]?]
    /// What records in the dead-letter topic say beside their events, by the items' indices.
    private let notes: [Int: DeadLetterNote]
    private let route: Route

    /// The records of some of a batch's entries, whose topics are ready.
    init(_ inFlight: InFlightBatch, _ entries: [Int], topics: TopicReadiness, _ route: Route) {
        var items: [Item] = []
        var keys: [[UInt8]?] = []
        var notes: [Int: DeadLetterNote] = [:]
        items.reserveCapacity(entries.count)
        for index in entries {
            let entry = inFlight.entries[index]
            guard let topic = entry.topic.flatMap(topics.handle) else { continue }
            let event = inFlight.events[entry.row]
            let partition: Int32
            if route.key == .aggregateID {
                partition = topic.partition(forKey: event.aggregateID)
            } else {
                let key = route.key.bytes(of: event)
                keys.append(key)
                partition =
                    key.map { topic.partition(forKey: $0.span.bytes) } ?? topic.partition(forKey: event.aggregateID)
            }
            if !inFlight.notes.isEmpty { notes[items.count] = inFlight.notes[index] }
            items.append(Item(row: entry.row, topic: topic, partition: partition))
        }
        events = inFlight.events
        self.items = items
        self.keys = keys
        self.notes = notes
        self.route = route
    }

    var count: Int { items.count }

    func fill(_ index: Int, _ record: inout RecordWriter) {
        let item = items[index]
        let event = events[item.row]
        let key = keys.isEmpty ? nil : keys[index]
        record.topic(item.topic)
        record.partition(item.partition)
        route.fill(event, key: key, note: notes.isEmpty ? nil : notes[index], &record)
    }
}
