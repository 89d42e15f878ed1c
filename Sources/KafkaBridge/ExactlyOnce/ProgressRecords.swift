import Kafka

/// The progress records of one transaction.
final class ProgressRecords: RecordSource {
    struct Record: Sendable, Equatable {
        let segment: Int
        let key: [UInt8]
        let value: [UInt8]
    }

    let records: [Record]
    private let topic: TopicHandle

    init(_ records: [Record], in topic: TopicHandle) {
        self.records = records
        self.topic = topic
    }

    var count: Int { records.count }

    func fill(_ index: Int, _ record: inout RecordWriter) {
        let progress = records[index]
        record.topic(topic)
        // A partition for each segment: another's open transaction would hide what is behind it.
        record.partition(Int32(progress.segment))
        record.key(progress.key.span.bytes)
        record.value(copying: progress.value.span.bytes)
    }
}
