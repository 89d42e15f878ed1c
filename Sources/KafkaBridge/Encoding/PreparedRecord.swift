import EventSourcing

/// What of an event's record is made before the record is: once, whatever becomes of the producers that it is given to.
package struct PreparedRecord: Sendable {
    package enum Value: Sendable, Equatable {
        /// The payload, byte for byte.
        case payload
        /// Made of the payload.
        case made([UInt8])
        /// None: a tombstone, or what must not be seen.
        case none
    }

    /// `nil` for the aggregate's id.
    package var key: [UInt8]?
    /// `nil` where the key decides.
    package var partition: Int32?
    package var value = Value.payload
    /// Whether something else than the value needs a payload that stayed in the database.
    var lacksPayload = false

    package init() {}

    /// The bytes of the value before it is put into a format.
    func valueLength(_ event: EventView) -> Int {
        if lacksPayload { return event.payloadLength }
        return switch value {
        case .payload: event.payloadLength
        case .made(let bytes): bytes.count
        case .none: 0
        }
    }

    /// Whether a part of the value stayed in the database.
    func isWithheld(_ event: EventView) -> Bool {
        if event.withheldBytes == nil { return false }
        if case .payload = value { return true }
        return lacksPayload
    }
}

/// Which events have a record without a value, by which a compacted topic forgets what it has of their keys.
package struct Tombstones: Sendable, Hashable {
    /// The event types, as names or patterns.
    private let types: [NamePattern]
    /// Whether an empty payload becomes one too.
    package let includesEmpty: Bool

    package init(types: [String] = [], includesEmpty: Bool = false) {
        self.types = types.map { NamePattern($0) }
        self.includesEmpty = includesEmpty
    }

    var isEmpty: Bool { types.isEmpty && !includesEmpty }

    func hold(_ event: EventView) -> Bool {
        if includesEmpty, event.payloadLength == 0 { return true }
        return types.contains { $0.matches(event.eventType) }
    }
}
