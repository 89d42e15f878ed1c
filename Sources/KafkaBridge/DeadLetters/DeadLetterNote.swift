import Kafka

/// What a record in the dead-letter topic says beside what the event's own record would have: why it is there, and from
/// where. Its headers begin with the route's prefix.
struct DeadLetterNote: Sendable, Hashable {
    let reason: DeadLetter.Reason
    let error: String
    let consumer: String
    let segment: Int
    let position: Int64
    /// The topic it was meant for, if the route made one of it.
    let topic: String?
    /// Microseconds since 1970.
    let time: Int64
    let prefix: String
    /// The length of the value that was left out; `nil` where it is there.
    var omittedBytes: Int?

    /// Longer texts are cut: a header has no business being large.
    private static let mostErrorBytes = 2_000

    /// More than the headers take in a record.
    var length: Int {
        // Eight names with the prefix, the fixed parts, and what varies.
        8 * (prefix.utf8.count + 40) + min(error.utf8.count, Self.mostErrorBytes + 4) + consumer.utf8.count
            + (topic?.utf8.count ?? 0) + 120
    }

    func fill(_ record: inout RecordWriter) {
        func name(_ name: String) -> HeaderName { HeaderName("\(prefix)dead_letter_\(name)") }
        record.header(name("reason"), reason.rawValue)
        record.header(name("error"), Self.cut(error))
        record.header(name("consumer"), consumer)
        record.header(name("segment"), decimal: Int64(segment))
        record.header(name("position"), decimal: position)
        if let topic { record.header(name("topic"), topic) }
        let time = TimestampText(microseconds: time)
        record.header(name("time"), time.bytes.span.bytes)
        if let omittedBytes {
            record.header(name("omitted_bytes"), decimal: Int64(omittedBytes))
            record.withoutValue()
        }
    }

    private static func cut(_ text: String) -> String {
        if text.utf8.count <= mostErrorBytes { return text }
        return String(decoding: text.utf8.prefix(mostErrorBytes), as: UTF8.self)
    }
}
