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
    /// Whether the event's headers and a long key were left out too: not even they fit.
    var isMinimal = false

    /// What a record leaves out, so that the topic takes it.
    enum Omission: Sendable, Equatable {
        case nothing
        case value
        /// All but the event's id and what this says.
        case allButIdentity
    }

    /// The longest key of a record that leaves out all else.
    static let longestKey = 1_000

    /// Longer texts are cut: a header has no business being large.
    private static let mostErrorBytes = 2_000

    /// More than the headers take in a record.
    var length: Int {
        // Eight names with the prefix, the fixed parts, and what varies.
        8 * (prefix.utf8.count + 40) + min(error.utf8.count, Self.mostErrorBytes + 4) + consumer.utf8.count
            + (topic?.utf8.count ?? 0) + 120
    }

    /// What its headers are called behind `dead_letter_`, and what they say, for the documentation.
    static let headers: [(name: String, meaning: String)] = [
        ("reason", "why it cannot be delivered, in one word as `godwit parked` has it"), ("error", "the same in words"),
        ("consumer", "the consumer that could not deliver it"), ("segment", "its segment"),
        ("position", "its position in the table"), ("topic", "the topic that it was meant for, if there is one"),
        ("time", "when it was decided"), ("omitted_bytes", "how long the value is, where it was left out"),
        ("omitted", "`headers`, where not even these fit"),
    ]

    func fill(_ record: inout some RecordParts & ~Copyable) {
        func name(_ name: String) -> HeaderName { HeaderName("\(prefix)dead_letter_\(name)") }
        record.header(name("reason"), reason.rawValue)
        record.header(name("error"), error.cut(toBytes: Self.mostErrorBytes))
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
        if isMinimal { record.header(name("omitted"), "headers") }
    }
}
