import EventSourcing
import Kafka

/// Takes a hash of a record's value in place of sending it, so that what is expected is made by the code that sends.
struct ValueHash: RecordParts {
    /// `nil` for a record without a value.
    private(set) var value: UInt64?

    mutating func key(_ bytes: RawSpan) {}
    mutating func value(retained bytes: RawSpan) { value = Hash64.of(bytes) }
    mutating func value(copying bytes: RawSpan) { value = Hash64.of(bytes) }
    mutating func withoutValue() { value = nil }
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

    /// Of the value that a record was found with.
    static func of(_ record: ConsumedRecord) -> UInt64? { record.value.map { Hash64.of($0.span.bytes) } }
}
