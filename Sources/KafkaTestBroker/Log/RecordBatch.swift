import CCRC32C
import NIOCore

/// The fixed front of a record batch (format version 2), read without touching its records.
struct RecordBatchHeader: Field {
    /// Bytes of the front, records not included.
    static let size = 61
    static let noProducerID: Int64 = -1
    /// Bytes before the length field counts.
    private static let lengthOverhead = 12
    /// Bytes that the checksum does not cover.
    private static let uncheckedBytes = 21

    var baseOffset: Int64 = 0
    var length: Int32 = 0
    var partitionLeaderEpoch: Int32 = 0
    var magic: Int8 = 2
    var crc: UInt32 = 0
    var attributes: Int16 = 0
    var lastOffsetDelta: Int32 = 0
    var baseTimestamp: Int64 = 0
    var maxTimestamp: Int64 = 0
    var producerID = Self.noProducerID
    var producerEpoch: Int16 = -1
    var baseSequence: Int32 = -1
    var recordCount: Int32 = 0

    mutating func code(_ wire: inout Coder) {
        wire(&baseOffset, &length, &partitionLeaderEpoch)
        wire(&magic, &crc)
        wire(&attributes, &lastOffsetDelta)
        wire(&baseTimestamp, &maxTimestamp)
        wire(&producerID, &producerEpoch, &baseSequence)
        wire(&recordCount)
    }

    /// Bytes of the whole batch, base offset and length field included.
    var sizeInBytes: Int { Int(length) + Self.lengthOverhead }
    var lastOffset: Int64 { baseOffset &+ Int64(lastOffsetDelta) }
    var compression: Int16 { attributes & 0x07 }
    var usesAppendTime: Bool { attributes & 0x08 != 0 }
    var isTransactional: Bool { attributes & 0x10 != 0 }
    var isControl: Bool { attributes & 0x20 != 0 }
    var hasProducerID: Bool { producerID != Self.noProducerID }

    /// The sequence number of the last record, which wraps past the largest number to 0.
    var lastSequence: Int32 {
        if baseSequence < 0 { return baseSequence }
        return baseSequence > Int32.max &- lastOffsetDelta
            ? lastOffsetDelta &- (Int32.max &- baseSequence) &- 1 : baseSequence &+ lastOffsetDelta
    }
}

extension RecordBatchHeader {
    /// Reads the batch at the buffer's reader index; nil if there are too few bytes for a front.
    init?(_ buffer: ByteBuffer) {
        guard buffer.readableBytes >= Self.size else { return nil }
        var wire = Coder(reading: buffer)
        code(&wire)
    }

    /// A batch with this front, whose length, count and checksum are set, of uncompressed records.
    func batch(of records: [ByteBuffer]) -> ByteBuffer {
        var body = Coder(writing: .init())
        for record in records {
            var record = VarBytes(bytes: record)
            body(&record)
        }
        let content = body.joined()
        var header = self
        header.length = Int32(content.readableBytes + Self.size - Self.lengthOverhead)
        header.recordCount = Int32(records.count)
        var batch = ByteBuffer(repeating: 0, count: Self.size)
        batch.writeImmutableBuffer(content)
        header.write(to: &batch)
        return batch
    }

    /// Puts the front, with its checksum set right, before the batch's records.
    mutating func write(to batch: inout ByteBuffer) {
        for isChecked in [false, true] {
            if isChecked { crc = Self.checksum(of: batch) }
            var wire = Coder(writing: .init())
            code(&wire)
            batch.setBuffer(wire.joined(), at: batch.readerIndex)
        }
    }

    /// The checksum of everything after the checksum field of the whole batch at the reader index.
    static func checksum(of batch: ByteBuffer) -> UInt32 {
        batch.withUnsafeReadableBytes { bytes in
            guard bytes.count > uncheckedBytes, let base = bytes.baseAddress else { return 0 }
            return godwit_crc32c(0, base + uncheckedBytes, bytes.count - uncheckedBytes)
        }
    }
}
