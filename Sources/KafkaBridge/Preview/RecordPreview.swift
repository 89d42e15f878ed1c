import Kafka

/// A record as it would be sent, kept in place of being sent.
package struct RecordPreview: Sendable, Equatable {
    package struct Header: Sendable, Equatable {
        package let name: String
        package let value: [UInt8]
    }

    /// Where in the topic a record goes.
    package enum Partition: Sendable, Equatable {
        case number(Int32)
        /// The number of partitions is not known, for this reason.
        case unknown(String)
    }

    package internal(set) var topic = ""
    /// Whether the topic is not there yet, and is made for the first record.
    package internal(set) var isTopicAbsent = false
    package internal(set) var partition = Partition.unknown("")
    package internal(set) var key: [UInt8]?
    /// `nil` for a record without a value: a tombstone, on a compacted topic.
    package internal(set) var value: [UInt8]?
    /// The length of a value that was not read, since it is too large to be shown.
    package internal(set) var omittedBytes: Int?
    /// Milliseconds since 1970; `nil` for the time of its sending.
    package internal(set) var timestamp: Int64?
    package internal(set) var headers: [Header] = []
    /// The bytes it takes in a batch of its own, not compressed.
    package internal(set) var size = 0
    /// What the topic allows; `nil` where that is not known.
    package internal(set) var limit: Int?

    init() {}

    /// Its time in RFC 3339; `nil` for the time of its sending.
    package var timeText: String? {
        // It has no microseconds.
        timestamp.map { String(decoding: TimestampText(microseconds: $0 * 1_000).text.prefix(23), as: UTF8.self) + "Z" }
    }
}

extension TimestampText {
    var text: [UInt8] { (0..<Self.length).map { bytes[$0] } }
}

extension RecordPreview: RecordParts {
    mutating func key(_ bytes: RawSpan) { key = Self.copy(bytes) }
    mutating func value(retained bytes: RawSpan) { value = Self.copy(bytes) }
    mutating func value(copying bytes: RawSpan) { value = Self.copy(bytes) }
    mutating func withoutValue() { value = nil }
    mutating func timestamp(milliseconds: Int64) { timestamp = milliseconds }
    mutating func header(_ name: HeaderName, _ bytes: RawSpan) {
        headers.append(Header(name: name.description, value: Self.copy(bytes)))
    }
    mutating func header(_ name: HeaderName, _ text: String) {
        headers.append(Header(name: name.description, value: Array(text.utf8)))
    }
    mutating func header(_ name: HeaderName, decimal number: Int64) {
        headers.append(Header(name: name.description, value: Array("\(number)".utf8)))
    }

    private static func copy(_ bytes: RawSpan) -> [UInt8] { bytes.withUnsafeBytes { Array($0) } }
}
