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
            var writer = WireWriter()
            writer.int8(0)
            writer.varlong(item.timestamp - base)
            writer.varlong(Int64(index))
            for text in [item.key, item.value] {
                writer.varlong(text.map { Int64($0.utf8.count) } ?? -1)
                if let text { writer.raw(ByteBuffer(string: text)) }
            }
            writer.varlong(0)
            return writer.finish().reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
        }
        return RecordBatchBuilder.build(
            .init(
                attributes: transactional ? 0x10 : 0, baseTimestamp: base,
                maxTimestamp: items.map(\.timestamp).max() ?? 0, producerID: producerID, producerEpoch: epoch,
                baseSequence: sequence, lastOffsetDelta: Int32(items.count) - 1), records: records)
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
