import Kafka

/// Measures a record in place of sending it: what it takes in a batch of its own, not compressed, which is what a topic's
/// limit is compared with.
///
/// Source: Apache Kafka documentation, "Message Format", record batch and record of version 2.
struct RecordMeasure: RecordParts {
    private var keyLength = -1
    private var valueLength = -1
    private var headerCount = 0
    private var headerBytes = 0

    /// The batch's own header.
    private static let batchOverhead = 61
    /// Attributes, and the differences of time and offset to the batch's, which are 0 for its first record.
    private static let recordOverhead = 3

    /// The bytes of the record with its batch.
    var size: Int {
        let body =
            Self.recordOverhead + Self.length(ofField: keyLength) + Self.length(ofField: valueLength)
            + Self.length(ofVarint: headerCount) + headerBytes
        return Self.batchOverhead + Self.length(ofVarint: body) + body
    }

    mutating func key(_ bytes: RawSpan) { keyLength = bytes.byteCount }
    mutating func value(retained bytes: RawSpan) { valueLength = bytes.byteCount }
    mutating func value(copying bytes: RawSpan) { valueLength = bytes.byteCount }
    mutating func withoutValue() { valueLength = -1 }
    mutating func timestamp(milliseconds: Int64) {}
    mutating func header(_ name: HeaderName, _ bytes: RawSpan) { header(name, length: bytes.byteCount) }
    mutating func header(_ name: HeaderName, _ text: String) { header(name, length: text.utf8.count) }
    mutating func header(_ name: HeaderName, decimal number: Int64) { header(name, length: "\(number)".utf8.count) }

    /// Counts a part of the value that did not come.
    mutating func withheld(_ bytes: Int) { valueLength = max(0, valueLength) + bytes }

    private mutating func header(_ name: HeaderName, length: Int) {
        headerCount += 1
        headerBytes += Self.length(ofField: name.byteCount) + Self.length(ofField: length)
    }

    /// Bytes with their length before them; -1 stands for none.
    private static func length(ofField count: Int) -> Int { length(ofVarint: count) + max(0, count) }

    /// Seven bits to a byte, of the number folded so that its sign is the lowest bit.
    private static func length(ofVarint number: Int) -> Int {
        let folded = UInt64(bitPattern: Int64(number << 1 ^ number >> 63))
        return max(1, (64 - folded.leadingZeroBitCount + 6) / 7)
    }
}
