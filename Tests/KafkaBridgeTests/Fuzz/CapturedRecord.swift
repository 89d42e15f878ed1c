import Kafka
import KafkaTestBroker

@testable import KafkaBridge

/// Keeps the parts of a record, and writes them as they are on the wire.
struct CapturedRecord: RecordParts {
    private(set) var key: [UInt8]?
    private(set) var value: [UInt8]?
    private(set) var time: Int64?
    private(set) var headers: [(name: String, value: [UInt8])] = []

    mutating func key(_ bytes: RawSpan) { key = Self.copy(bytes) }
    mutating func value(retained bytes: RawSpan) { value = Self.copy(bytes) }
    mutating func value(copying bytes: RawSpan) { value = Self.copy(bytes) }
    mutating func withoutValue() { value = nil }
    mutating func timestamp(milliseconds: Int64) { time = milliseconds }
    mutating func header(_ name: HeaderName, _ bytes: RawSpan) { headers.append((name.description, Self.copy(bytes))) }
    mutating func header(_ name: HeaderName, _ text: String) { headers.append((name.description, Array(text.utf8))) }
    mutating func header(_ name: HeaderName, decimal number: Int64) {
        headers.append((name.description, Array("\(number)".utf8)))
    }

    func header(_ name: String) -> [UInt8]? { headers.first { $0.name == name }?.value }

    private static func copy(_ bytes: RawSpan) -> [UInt8] { bytes.withUnsafeBytes { Array($0) } }

    /// The bytes of the record in a batch of its own.
    var wireSize: Int {
        var body: [UInt8] = [0]
        Self.append(0, to: &body)
        Self.append(0, to: &body)
        Self.append(field: key, to: &body)
        Self.append(field: value, to: &body)
        Self.append(headers.count, to: &body)
        for header in headers {
            Self.append(field: Array(header.name.utf8), to: &body)
            Self.append(field: header.value, to: &body)
        }
        var length: [UInt8] = []
        Self.append(body.count, to: &length)
        // Base offset, length, leader epoch, magic, checksum, attributes, last offset, two times, producer's id, epoch and
        // sequence, count.
        return 8 + 4 + 4 + 1 + 4 + 2 + 4 + 8 + 8 + 8 + 2 + 4 + 4 + length.count + body.count
    }

    private static func append(field: [UInt8]?, to bytes: inout [UInt8]) {
        append(field?.count ?? -1, to: &bytes)
        bytes += field ?? []
    }

    /// Folded, seven bits to a byte.
    private static func append(_ number: Int, to bytes: inout [UInt8]) {
        var rest = number < 0 ? UInt64(-2 * (number + 1) + 1) : UInt64(2 * number)
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
