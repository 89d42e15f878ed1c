import NIOCore

/// The control record that ends a transaction in a partition.
struct TransactionMarker {
    let producerID: Int64
    let epoch: Int16
    let commits: Bool
    /// How often the coordinator of the transactional id has changed.
    let coordinatorEpoch: Int32

    /// The marker as a batch, at offset 0.
    func batch(timestamp: Int64) -> ByteBuffer {
        var key = ByteBuffer()
        key.writeMultipleIntegers(Int16(0), Int16(commits ? 1 : 0))
        var value = ByteBuffer()
        value.writeMultipleIntegers(Int16(0), coordinatorEpoch)
        let header = RecordBatchHeader(
            attributes: 0x30, baseTimestamp: timestamp, maxTimestamp: timestamp, producerID: producerID,
            producerEpoch: epoch)
        return header.batch(of: [RecordFields(key: .init(bytes: key), value: .init(bytes: value)).record()])
    }

    /// Reads a control batch; nil if it is none that ends a transaction.
    init?(_ batch: ByteBuffer, header: RecordBatchHeader) {
        guard header.isControl, let record = try? RecordSet(batch).records().first, var key = record.key,
            key.readInteger(as: Int16.self) != nil, let type = key.readInteger(as: Int16.self), type == 0 || type == 1
        else { return nil }
        var value = record.value
        _ = value?.readInteger(as: Int16.self)
        self.init(
            producerID: header.producerID, epoch: header.producerEpoch, commits: type == 1,
            coordinatorEpoch: value?.readInteger() ?? 0)
    }

    init(producerID: Int64, epoch: Int16, commits: Bool, coordinatorEpoch: Int32) {
        self.coordinatorEpoch = coordinatorEpoch
        self.producerID = producerID
        self.epoch = epoch
        self.commits = commits
    }
}
