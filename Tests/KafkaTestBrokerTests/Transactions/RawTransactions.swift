import NIOCore
import Testing

@testable import KafkaTestBroker

/// The requests of a transactional client, one by one: what no library lets a test do.
extension BrokerHarness {
    typealias Producer = TransactionTable.Producer

    func makeTopic(_ name: String, partitions: Int = 2) throws {
        _ = try broker.createTopic(name, partitions: partitions, settings: broker.defaultSettings)
    }

    func initialize(
        _ id: String, timeout: Int32 = 60_000, expected: Producer? = nil, version: Int16 = 4, node: Int32? = nil
    ) throws -> (error: KafkaErrorCode, producer: Producer) {
        let response: InitProducerID.Response = try ask(
            .initProducerID, version, node: node ?? coordinator(of: id),
            InitProducerID.Request(
                transactionalID: id, timeoutMilliseconds: timeout, producer: expected ?? Producer()))
        return (response.error, response.producer)
    }

    private func coordinator(of id: String) -> Int32 { broker.coordinatorNode(of: id) ?? 1 }

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
        let topics = partitions.map { TopicItems(name: $0.topic, partitions: [$0.partition]) }
        let response: AddPartitionsToTxn.Response = try ask(
            .addPartitionsToTxn, version, node: node ?? coordinator(of: id),
            AddPartitionsToTxn.Request(transactionalID: id, producer: producer, topics: topics))
        return response.answers.flatMap { $0.partitions.map(\.error) }
    }

    func addOffsets(of group: String, to id: String, _ producer: Producer) throws -> KafkaErrorCode {
        let response: ErrorResponse = try ask(
            .addOffsetsToTxn, 3, node: coordinator(of: id),
            AddOffsetsToTxn.Request(transactionalID: id, producer: producer, groupID: group))
        return response.error
    }

    func commitOffset(
        _ offset: Int64, of partition: TopicPartition, group: String, in id: String, _ producer: Producer
    ) throws -> KafkaErrorCode {
        let item = TxnOffsetCommit.Item(index: partition.partition, offset: offset)
        let response: TxnOffsetCommit.Response = try ask(
            .txnOffsetCommit, 2,
            TxnOffsetCommit.Request(
                transactionalID: id, groupID: group, producer: producer,
                topics: [.init(name: partition.topic, partitions: [item])]))
        return response.answers.first?.partitions.first?.error ?? .unknownServerError
    }

    func end(
        _ id: String, _ producer: Producer, commit: Bool, version: Int16 = 3, node: Int32? = nil
    ) throws -> KafkaErrorCode {
        let response: ErrorResponse = try ask(
            .endTxn, version, node: node ?? coordinator(of: id),
            EndTxn.Request(transactionalID: id, producer: producer, commits: commit))
        return response.error
    }

    func produce(
        _ values: [String], to partition: TopicPartition, in id: String?, _ producer: Producer, sequence: Int32,
        version: Int16 = 7
    ) throws -> KafkaErrorCode {
        let batch = Batches.make(
            values.map { .init(key: "k", value: $0, timestamp: broker.now) }, producerID: producer.id,
            epoch: producer.epoch, sequence: sequence, transactional: id != nil)
        let item = Produce.Item(index: partition.partition, records: batch)
        let response: Produce.Response = try ask(
            .produce, version, node: leader(of: partition),
            Produce.Request(
                transactionalID: id, acks: -1, topics: [.init(name: partition.topic, partitions: [item])]))
        return response.topics.first?.partitions.first?.error ?? .unknownServerError
    }

    private func leader(of partition: TopicPartition) -> Int32 { broker.partition(partition)?.leader ?? 1 }

    func endOffset(_ partition: TopicPartition, committed: Bool) throws -> Int64 {
        let item = ListOffsets.Item(index: partition.partition, timestamp: -1)
        let response: ListOffsets.Response = try ask(
            .listOffsets, 2, node: leader(of: partition),
            ListOffsets.Request(
                isolationLevel: committed ? 1 : 0, topics: [.init(name: partition.topic, partitions: [item])]))
        return response.answers.first?.partitions.first?.offset ?? -1
    }

    /// What a reader of committed data sees: it drops the records of the aborted transactions that the broker names.
    func committed(_ partition: TopicPartition) throws -> [String] {
        try fetch(partition, committed: true)
    }

    func fetch(_ partition: TopicPartition, committed: Bool) throws -> [String] {
        let item = Fetch.Item(index: partition.partition, maxBytes: 50_000_000)
        let response: Fetch.Response = try ask(
            .fetch, 4, node: leader(of: partition),
            Fetch.Request(
                maxBytes: 50_000_000, isolationLevel: committed ? 1 : 0,
                topics: [.init(name: partition.topic, partitions: [item])]))
        let answer = response.topics.first?.partitions.first ?? Fetch.Answer()
        return try Self.visible(answer.records.batches.first ?? ByteBuffer(), aborted: answer.aborted ?? [])
    }

    private static func visible(
        _ records: ByteBuffer, aborted: [Fetch.Aborted]
    ) throws -> [String] {
        var rest = records
        var values: [String] = []
        var dropping: Set<Int64> = []
        var toCome = aborted.sorted { $0.firstOffset < $1.firstOffset }
        while let header = RecordBatchHeader(rest), let batch = rest.readSlice(length: header.sizeInBytes) {
            while let next = toCome.first, next.firstOffset <= header.lastOffset {
                dropping.insert(next.producerID)
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
