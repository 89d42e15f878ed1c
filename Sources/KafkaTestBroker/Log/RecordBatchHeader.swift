import CCRC32C
import NIOCore

/// The fixed front of a record batch (format version 2), read without touching its records.
struct RecordBatchHeader {
    /// Bytes of the front, records not included.
    static let size = 61
    /// Bytes before the length field counts.
    static let lengthOverhead = 12
    static let noProducerID: Int64 = -1

    var baseOffset: Int64
    /// Bytes of the whole batch, base offset and length field included.
    var sizeInBytes: Int
    var partitionLeaderEpoch: Int32
    var magic: Int8
    var crc: UInt32
    var attributes: Int16
    var lastOffsetDelta: Int32
    var baseTimestamp: Int64
    var maxTimestamp: Int64
    var producerID: Int64
    var producerEpoch: Int16
    var baseSequence: Int32
    var recordCount: Int32

    /// Reads the batch at the buffer's reader index, or returns nil if there are too few bytes for a front.
    init?(_ buffer: ByteBuffer) {
        guard buffer.readableBytes >= Self.size else { return nil }
        var front = buffer
        guard
            let baseOffset = front.readInteger(as: Int64.self), let length = front.readInteger(as: Int32.self),
            let (leaderEpoch, magic, crc) = front.readMultipleIntegers(as: (Int32, Int8, UInt32).self),
            let (attributes, lastOffsetDelta) = front.readMultipleIntegers(as: (Int16, Int32).self),
            let (baseTimestamp, maxTimestamp) = front.readMultipleIntegers(as: (Int64, Int64).self),
            let (producerID, producerEpoch) = front.readMultipleIntegers(as: (Int64, Int16).self),
            let (baseSequence, recordCount) = front.readMultipleIntegers(as: (Int32, Int32).self)
        else { return nil }
        self.baseOffset = baseOffset
        self.sizeInBytes = Int(length) + Self.lengthOverhead
        self.partitionLeaderEpoch = leaderEpoch
        self.magic = magic
        self.crc = crc
        self.attributes = attributes
        self.lastOffsetDelta = lastOffsetDelta
        self.baseTimestamp = baseTimestamp
        self.maxTimestamp = maxTimestamp
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.baseSequence = baseSequence
        self.recordCount = recordCount
    }

    var lastOffset: Int64 { baseOffset &+ Int64(lastOffsetDelta) }
    var compression: Int16 { attributes & 0x07 }
    var usesAppendTime: Bool { attributes & 0x08 != 0 }
    var isTransactional: Bool { attributes & 0x10 != 0 }
    var isControl: Bool { attributes & 0x20 != 0 }
    var hasProducerID: Bool { producerID != Self.noProducerID }

    /// The sequence number of the last record, which wraps past the largest number to 0.
    var lastSequence: Int32 {
        baseSequence < 0 ? baseSequence : Self.sequence(baseSequence, plus: lastOffsetDelta)
    }

    static func sequence(_ base: Int32, plus delta: Int32) -> Int32 {
        base > Int32.max &- delta ? delta &- (Int32.max &- base) &- 1 : base &+ delta
    }

    /// The checksum of everything after the checksum field of the whole batch at the reader index.
    static func checksum(of batch: ByteBuffer) -> UInt32 {
        batch.withUnsafeReadableBytes { bytes in
            guard bytes.count > 21, let base = bytes.baseAddress else { return 0 }
            return godwit_crc32c(0, base + 21, bytes.count - 21)
        }
    }
}
