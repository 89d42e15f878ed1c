import NIOCore

/// Makes batches: markers, and what compaction leaves.
enum RecordBatchBuilder {
    struct Header {
        var attributes: Int16
        var baseTimestamp: Int64
        var maxTimestamp: Int64
        var producerID: Int64
        var producerEpoch: Int16
        var baseSequence: Int32
        var lastOffsetDelta: Int32
    }

    /// A batch at offset 0 of uncompressed record bodies, each without its length.
    static func build(_ header: Header, records: [ByteBuffer]) -> ByteBuffer {
        var body = WireWriter()
        for record in records {
            body.varlong(Int64(record.readableBytes))
            body.raw(record)
        }
        let size = body.count + RecordBatchHeader.size
        var batch = ByteBufferAllocator().buffer(capacity: size)
        batch.writeInteger(0, as: Int64.self)
        batch.writeInteger(Int32(size - RecordBatchHeader.lengthOverhead))
        batch.writeInteger(0, as: Int32.self)
        batch.writeInteger(2, as: Int8.self)
        batch.writeInteger(0, as: UInt32.self)
        batch.writeInteger(header.attributes)
        batch.writeInteger(header.lastOffsetDelta)
        batch.writeInteger(header.baseTimestamp)
        batch.writeInteger(header.maxTimestamp)
        batch.writeInteger(header.producerID)
        batch.writeInteger(header.producerEpoch)
        batch.writeInteger(header.baseSequence)
        batch.writeInteger(Int32(records.count))
        for piece in body.finish() { batch.writeImmutableBuffer(piece) }
        batch.setInteger(RecordBatchHeader.checksum(of: batch), at: 17)
        return batch
    }
}
