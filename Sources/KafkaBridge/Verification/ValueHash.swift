import EventSourcing
import Kafka

/// Takes a hash of a record's key and value in place of sending it, so that what is expected is made by the code that sends.
struct ValueHash: RecordParts {
    private var keyHash: UInt64 = 0
    /// What stands for no value is the hash of no bytes that come in practice.
    private var valueHash = ValueHash.noValue

    private static let noValue: UInt64 = 0x5bd1_e995_9e37_79b9

    /// Of a record without a value too.
    var value: UInt64 {
        // Never 0, which stands for a hash that is not known.
        max(1, valueHash ^ (keyHash << 1 | keyHash >> 63))
    }

    mutating func key(_ bytes: RawSpan) { keyHash = Hash64.of(bytes) }
    mutating func value(retained bytes: RawSpan) { valueHash = Hash64.of(bytes) }
    mutating func value(copying bytes: RawSpan) { valueHash = Hash64.of(bytes) }
    mutating func withoutValue() { valueHash = Self.noValue }
    mutating func timestamp(milliseconds: Int64) {}
    mutating func header(_ name: HeaderName, _ bytes: RawSpan) {}
    mutating func header(_ name: HeaderName, _ text: String) {}
    mutating func header(_ name: HeaderName, decimal number: Int64) {}

    /// Of the record that an event has on a route; `nil` where its payload did not come, or where it can have none.
    static func expected(_ event: EventView, on route: Route) -> UInt64? {
        guard event.withheldBytes == nil, let prepared = try? route.prepare(event) else { return nil }
        var parts = ValueHash()
        route.fill(event, prepared, note: nil, &parts)
        return parts.value
    }

    /// Of the key and value that a record was found with.
    static func of(_ record: ConsumedRecord) -> UInt64? {
        var parts = ValueHash()
        if let key = record.key { parts.key(key.span.bytes) }
        if let value = record.value { parts.value(copying: value.span.bytes) }
        return parts.value
    }
}
