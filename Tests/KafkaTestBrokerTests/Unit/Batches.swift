import NIOCore
import Testing

@testable import KafkaTestBroker

/// Record batches for tests.
enum Batches {
    struct Item {
        var key: String?
        var value: String?
        var timestamp: Int64 = 0
    }

    static func make(
        _ items: [Item], producerID: Int64 = -1, epoch: Int16 = -1, sequence: Int32 = -1, transactional: Bool = false
    ) -> ByteBuffer {
        let base = items.first?.timestamp ?? 0
        let records = items.enumerated().map { index, item in
            let fields = RecordFields(
                timestampDelta: .init(value: item.timestamp - base), offsetDelta: .init(value: Int64(index)),
                key: .init(bytes: item.key.map { ByteBuffer(string: $0) }),
                value: .init(bytes: item.value.map { ByteBuffer(string: $0) }))
            return fields.record()
        }
        let header = RecordBatchHeader(
            attributes: transactional ? 0x10 : 0, lastOffsetDelta: Int32(items.count) - 1, baseTimestamp: base,
            maxTimestamp: items.map(\.timestamp).max() ?? 0, producerID: producerID, producerEpoch: epoch,
            baseSequence: sequence)
        return header.batch(of: records)
    }

    static func header(_ producerID: Int64, _ epoch: Int16, _ sequence: Int32, count: Int32, at offset: Int64 = 0)
        throws -> RecordBatchHeader
    {
        let items = (0..<count).map { _ in Item(key: "k", value: "v") }
        var header = try #require(
            RecordBatchHeader(make(items, producerID: producerID, epoch: epoch, sequence: sequence)))
        header.baseOffset = offset
        return header
    }
}
