import Kafka

/// What takes the parts of a record: the client's own writer, or a value that only measures them. So a record's size is
/// known from what will be sent.
protocol RecordParts: ~Copyable {
    mutating func key(_ bytes: RawSpan)
    /// A value that stays where it is until it is sent.
    mutating func value(retained bytes: RawSpan)
    mutating func value(copying bytes: RawSpan)
    mutating func withoutValue()
    mutating func timestamp(milliseconds: Int64)
    mutating func header(_ name: HeaderName, _ bytes: RawSpan)
    mutating func header(_ name: HeaderName, _ text: String)
    mutating func header(_ name: HeaderName, decimal number: Int64)
}

extension RecordWriter: RecordParts {}
