import Kafka
import TestSupport
import Testing

/// Records that a test writes by hand: those of another topic, with changes.
final class HandWritten: RecordSource {
    private let records: [ConsumedRecord]
    private let topic: TopicHandle

    private init(_ records: [ConsumedRecord], _ topic: TopicHandle) {
        self.records = records
        self.topic = topic
    }

    /// Writes them into a topic, in their order, with their times, keys and headers.
    static func write(_ records: [ConsumedRecord], to name: String, of kafka: TestKafka) async throws {
        let producer = try Producer(kafka.client(), logger: quiet)
        let topic = try #require(try await producer.prepare([name]).first)
        let batch = await producer.produce(HandWritten(records, topic))
        #expect(await batch.settled().isDelivered)
        _ = await producer.close()
    }

    /// Writes them within a transaction, which is left open.
    static func begin(
        _ records: [ConsumedRecord], to name: String, of kafka: TestKafka
    ) async throws -> TransactionalProducer {
        var client = kafka.client()
        client.transactions = TransactionSettings(id: TestDatabase.uniqueName("hand"))
        let transaction = try TransactionalProducer(client, logger: quiet)
        try await transaction.initialize()
        let topic = try #require(try await transaction.producer.prepare([name]).first)
        let batch = await transaction.producer.produce(HandWritten(records, topic))
        #expect(await batch.settled().isDelivered)
        return transaction
    }

    var count: Int { records.count }

    func fill(_ index: Int, _ record: inout RecordWriter) {
        let source = records[index]
        record.topic(topic)
        if let key = source.key { record.key(key.span.bytes) }
        if let value = source.value { record.value(copying: value.span.bytes) }
        if let time = source.timestamp { record.timestamp(milliseconds: time) }
        for header in source.headers {
            let value = header.value ?? []
            record.header(HeaderName(header.name), value.span.bytes)
        }
    }
}
