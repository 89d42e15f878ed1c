import NIOCore
import Testing

@testable import KafkaTestBroker

/// The requests of a transactional client, written by hand: what no library lets a test do.
extension BrokerHarness {
    typealias Producer = TransactionTable.Producer

    /// A request that got no answer.
    struct Unanswered: Error {
        let isClosed: Bool
    }

    func ask<Value>(
        _ api: APIKey, _ version: Int16, node: Int32 = 1, _ body: (inout WireWriter) -> Void,
        read: (inout WireReader) throws -> Value
    ) throws -> Value {
        switch send(api, version, node: node, body) {
        case .body(var reader): return try read(&reader)
        case .closed: throw Unanswered(isClosed: true)
        case .none: throw Unanswered(isClosed: false)
        }
    }

    func makeTopic(_ name: String, partitions: Int = 2) throws {
        _ = try broker.createTopic(name, partitions: partitions, settings: broker.defaultSettings)
    }

    func initialize(
        _ id: String, timeout: Int32 = 60_000, expected: Producer? = nil, version: Int16 = 4, node: Int32? = nil
    ) throws -> (error: KafkaErrorCode, producer: Producer) {
        try ask(.initProducerID, version, node: node ?? broker.coordinatorNode(of: id) ?? 1) { writer in
            writer.string(id)
            writer.int32(timeout)
            if version >= 3 {
                writer.int64(expected?.id ?? -1)
                writer.int16(expected?.epoch ?? -1)
            }
        } read: { reader in
            _ = try reader.int32()
            let error = KafkaErrorCode(rawValue: try reader.int16())
            return (error, .init(id: try reader.int64(), epoch: try reader.int16()))
        }
    }

    /// Asks as a client does until the predecessor's transaction is aborted.
    func producer(_ id: String, timeout: Int32 = 60_000) throws -> Producer {
        for _ in 0..<50 {
            let (error, producer) = try initialize(id, timeout: timeout)
            if error == .none { return producer }
            try #require(error == .concurrentTransactions)
            advance(by: 1)
        }
        throw Unanswered(isClosed: false)
    }

    /// The error of each partition, in their order.
    func add(
        _ partitions: [TopicPartition], to id: String, _ producer: Producer, version: Int16 = 3, node: Int32? = nil
    ) throws -> [KafkaErrorCode] {
        try ask(.addPartitionsToTxn, version, node: node ?? broker.coordinatorNode(of: id) ?? 1) { writer in
            writer.string(id)
            writer.int64(producer.id)
            writer.int16(producer.epoch)
            writer.array(partitions) { writer, partition in
                writer.string(partition.topic)
                writer.int32Array([partition.partition])
                writer.tags()
            }
        } read: { reader in
            _ = try reader.int32()
            return try reader.array { (reader) throws(WireError) in
                _ = try reader.string()
                let codes = try reader.array { (reader) throws(WireError) in
                    _ = try reader.int32()
                    let code = KafkaErrorCode(rawValue: try reader.int16())
                    try reader.tags()
                    return code
                }
                try reader.tags()
                return codes
            }.flatMap(\.self)
        }
    }

    func addOffsets(of group: String, to id: String, _ producer: Producer) throws -> KafkaErrorCode {
        try ask(.addOffsetsToTxn, 3, node: broker.coordinatorNode(of: id) ?? 1) { writer in
            writer.string(id)
            writer.int64(producer.id)
            writer.int16(producer.epoch)
            writer.string(group)
        } read: { reader in
            _ = try reader.int32()
            return KafkaErrorCode(rawValue: try reader.int16())
        }
    }

    func commitOffset(
        _ offset: Int64, of partition: TopicPartition, group: String, in id: String, _ producer: Producer
    ) throws -> KafkaErrorCode {
        try ask(.txnOffsetCommit, 2) { writer in
            writer.string(id)
            writer.string(group)
            writer.int64(producer.id)
            writer.int16(producer.epoch)
            writer.array([partition]) { writer, partition in
                writer.string(partition.topic)
                writer.array([partition.partition]) { writer, index in
                    writer.int32(index)
                    writer.int64(offset)
                    writer.int32(-1)
                    writer.string(nil)
                }
            }
        } read: { reader in
            _ = try reader.int32()
            let codes = try reader.array { (reader) throws(WireError) in
                _ = try reader.string()
                return try reader.array { (reader) throws(WireError) in
                    _ = try reader.int32()
                    return KafkaErrorCode(rawValue: try reader.int16())
                }
            }
            return codes.first?.first ?? .unknownServerError
        }
    }

    func end(
        _ id: String, _ producer: Producer, commit: Bool, version: Int16 = 3, node: Int32? = nil
    ) throws -> KafkaErrorCode {
        try ask(.endTxn, version, node: node ?? broker.coordinatorNode(of: id) ?? 1) { writer in
            writer.string(id)
            writer.int64(producer.id)
            writer.int16(producer.epoch)
            writer.bool(commit)
        } read: { reader in
            _ = try reader.int32()
            return KafkaErrorCode(rawValue: try reader.int16())
        }
    }

    func produce(
        _ values: [String], to partition: TopicPartition, in id: String?, _ producer: Producer, sequence: Int32,
        version: Int16 = 7
    ) throws -> KafkaErrorCode {
        let leader = broker.partition(partition)?.leader ?? 1
        let batch = Batches.make(
            values.map { .init(key: "k", value: $0, timestamp: broker.now) }, producerID: producer.id,
            epoch: producer.epoch, sequence: sequence, transactional: id != nil)
        return try ask(.produce, version, node: leader) { writer in
            writer.string(id)
            writer.int16(-1)
            writer.int32(1000)
            writer.array([partition]) { writer, partition in
                writer.string(partition.topic)
                writer.array([partition.partition]) { writer, index in
                    writer.int32(index)
                    writer.records([batch])
                    writer.tags()
                }
                writer.tags()
            }
        } read: { reader in
            let codes = try reader.array { (reader) throws(WireError) in
                _ = try reader.string()
                return try reader.array { (reader) throws(WireError) in
                    _ = try reader.int32()
                    let code = KafkaErrorCode(rawValue: try reader.int16())
                    _ = try (reader.int64(), reader.int64(), reader.int64())
                    if version >= 8 {
                        _ = try reader.array { (reader) throws(WireError) in try reader.int32() }
                        _ = try reader.nullableString()
                    }
                    try reader.tags()
                    return code
                }
            }
            return codes.first?.first ?? .unknownServerError
        }
    }

    func endOffset(_ partition: TopicPartition, committed: Bool) throws -> Int64 {
        try ask(.listOffsets, 2, node: broker.partition(partition)?.leader ?? 1) { writer in
            writer.int32(-1)
            writer.int8(committed ? 1 : 0)
            writer.array([partition]) { writer, partition in
                writer.string(partition.topic)
                writer.array([partition.partition]) { writer, index in
                    writer.int32(index)
                    writer.int64(-1)
                }
            }
        } read: { reader in
            _ = try reader.int32()
            return try reader.array { (reader) throws(WireError) in
                _ = try reader.string()
                return try reader.array { (reader) throws(WireError) in
                    _ = try (reader.int32(), reader.int16(), reader.int64())
                    return try reader.int64()
                }
            }.flatMap(\.self).first ?? -1
        }
    }

    /// What a reader of committed data sees: it drops the records of the aborted transactions that the broker names.
    func committed(_ partition: TopicPartition) throws -> [String] {
        try fetch(partition, committed: true)
    }

    func fetch(_ partition: TopicPartition, committed: Bool) throws -> [String] {
        let (aborted, records) = try ask(.fetch, 4, node: broker.partition(partition)?.leader ?? 1) { writer in
            writer.int32(-1)
            writer.int32(0)
            writer.int32(0)
            writer.int32(50_000_000)
            writer.int8(committed ? 1 : 0)
            writer.array([partition]) { writer, partition in
                writer.string(partition.topic)
                writer.array([partition.partition]) { writer, index in
                    writer.int32(index)
                    writer.int64(0)
                    writer.int32(50_000_000)
                }
            }
        } read: { reader in
            _ = try reader.int32()
            let parts = try reader.array { (reader) throws(WireError) in
                _ = try reader.string()
                return try reader.array { (reader) throws(WireError) in try Self.fetched(&reader) }
            }
            return parts.first?.first ?? ([], ByteBuffer())
        }
        return try Self.visible(records, aborted: aborted)
    }

    private typealias Aborted = (producer: Int64, first: Int64)

    private static func fetched(_ reader: inout WireReader) throws(WireError) -> ([Aborted], ByteBuffer) {
        _ = try (reader.int32(), reader.int16(), reader.int64(), reader.int64())
        let aborted = try reader.nullableArray { (reader) throws(WireError) -> Aborted in
            (producer: try reader.int64(), first: try reader.int64())
        }
        return (aborted ?? [], try reader.nullableBytes() ?? ByteBuffer())
    }

    private static func visible(
        _ records: ByteBuffer, aborted: [Aborted]
    ) throws -> [String] {
        var rest = records
        var values: [String] = []
        var dropping: Set<Int64> = []
        var toCome = aborted.sorted { $0.first < $1.first }
        while let header = RecordBatchHeader(rest), let batch = rest.readSlice(length: header.sizeInBytes) {
            while let next = toCome.first, next.first <= header.lastOffset {
                dropping.insert(next.producer)
                toCome.removeFirst()
            }
            if header.isControl {
                if let marker = TransactionMarker(batch, header: header), !marker.commits {
                    dropping.remove(header.producerID)
                }
            } else if !header.isTransactional || !dropping.contains(header.producerID) {
                values += try RecordSet(batch).records().map { $0.value.map { String(buffer: $0) } ?? "" }
            }
        }
        return values
    }
}
