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
    /// What was made of the records before, by the items' indices; empty where nothing was. The values are sent from here.
    private let prepared: [PreparedRecord]
    /// What records in the dead-letter topic say beside their events, by the items' indices.
    private let notes: [Int: DeadLetterNote]
    private let route: Route

    /// The records of some of a batch's entries, whose topics are ready.
    init(_ inFlight: InFlightBatch, _ entries: [Int], topics: TopicReadiness, _ route: Route) {
        var items: [Item] = []
        var prepared: [PreparedRecord] = []
        var notes: [Int: DeadLetterNote] = [:]
        items.reserveCapacity(entries.count)
        let isPlain = route.key == .aggregateID && !route.preparesRecords
        let partitioner = route.partitioner
        for index in entries {
            let entry = inFlight.entries[index]
            guard let topic = entry.topic.flatMap(topics.handle) else { continue }
            let event = inFlight.events[entry.row]
            let note = inFlight.notes.isEmpty ? nil : inFlight.notes[index]
            let partition: Int32
            if isPlain {
                partition = topic.partition(forKey: event.aggregateID, by: partitioner)
            } else {
                let record = inFlight.prepared(index) ?? route.prepareWhatIsPossible(event)
                // The dead-letter topic has partitions of its own.
                let chosen = note == nil ? record.partition : nil
                partition =
                    chosen ?? record.key.map { topic.partition(forKey: $0.span.bytes, by: partitioner) }
                    ?? topic.partition(forKey: event.aggregateID, by: partitioner)
                prepared.append(record)
            }
            if let note { notes[items.count] = note }
            items.append(Item(row: entry.row, topic: topic, partition: partition))
        }
        events = inFlight.events
        self.items = items
        self.prepared = prepared
        self.notes = notes
        self.route = route
    }

    var count: Int { items.count }

    func fill(_ index: Int, _ record: inout RecordWriter) {
        let item = items[index]
        let event = events[item.row]
        record.topic(item.topic)
        record.partition(item.partition)
        route.fill(
            event, prepared.isEmpty ? PreparedRecord() : prepared[index], note: notes.isEmpty ? nil : notes[index],
            &record)
    }
}
