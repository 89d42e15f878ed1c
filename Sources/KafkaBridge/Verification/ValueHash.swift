import EventSourcing
import Kafka

/// Takes a hash of a record's key and value in place of sending it, so that what is expected is made by the code that sends.
struct ValueHash: RecordParts {
    private var keyHash: UInt64 = 0
    private var valueHash: UInt64?

    /// `nil` for a record without a value.
    var value: UInt64? {
        // Never 0, which stands for a hash that is not known.
        valueHash.map { max(1, $0 ^ (keyHash << 1 | keyHash >> 63)) }
    }

    mutating func key(_ bytes: RawSpan) { keyHash = Hash64.of(bytes) }
    mutating func value(retained bytes: RawSpan) { valueHash = Hash64.of(bytes) }
    mutating func value(copying bytes: RawSpan) { valueHash = Hash64.of(bytes) }
    mutating func withoutValue() { valueHash = nil }
    mutating func timestamp(milliseconds: Int64) {}
    mutating func header(_ name: HeaderName, _ bytes: RawSpan) {}
    mutating func header(_ name: HeaderName, _ text: String) {}
    mutating func header(_ name: HeaderName, decimal number: Int64) {}

    /// Of the record that an event has on a route; `nil` where its payload did not come.
    static func expected(_ event: EventView, on route: Route) -> UInt64? {
        guard event.withheldBytes == nil else { return nil }
        var parts = ValueHash()
        route.fill(event, key: route.key.bytes(of: event), note: nil, &parts)
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
