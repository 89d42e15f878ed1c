import Logging
import TestSupport

@testable import Kafka

extension TestKafka {
    func producer(_ properties: [String: String] = [:], logger: Logger = quiet) throws -> Producer {
        try Producer(client(properties), logger: logger)
    }
}

/// Numbered records for one topic.
final class Numbers: RecordSource {
    let topic: TopicHandle
    let range: Range<Int>
    let payload: [UInt8]
    let keys: Int
    static let number = HeaderName("number")

    init(_ topic: TopicHandle, _ range: Range<Int>, payloadBytes: Int = 10, keys: Int = 1) {
        self.topic = topic
        self.range = range
        self.keys = keys
        payload = [UInt8](repeating: 0x78, count: payloadBytes)
    }

    var count: Int { range.count }

    func fill(_ index: Int, _ record: inout RecordWriter) {
        let number = range.lowerBound + index
        record.topic(topic)
        record.key(text: "key-\(number % keys)")
        let payload = payload
        record.value(retained: payload.span.bytes)
        record.header(Self.number, decimal: Int64(number))
    }
}

/// One record as the test describes it.
final class Single: RecordSource {
    let body: @Sendable (inout RecordWriter) -> Void
    init(_ body: @escaping @Sendable (inout RecordWriter) -> Void) { self.body = body }
    var count: Int { 1 }
    func fill(_ index: Int, _ record: inout RecordWriter) { body(&record) }
}

extension RecordWriter {
    mutating func key(text: String) {
        let bytes = Array(text.utf8)
        key(bytes.span.bytes)
    }

    mutating func value(copying bytes: [UInt8]) { value(copying: bytes.span.bytes) }
}

func partition(_ key: [UInt8], of count: Int32) -> Int32 {
    Murmur2Partitioner.partition(forKey: key.span.bytes, of: count)
}
