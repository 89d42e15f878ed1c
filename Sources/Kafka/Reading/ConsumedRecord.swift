/// A record as a reader got it.
package struct ConsumedRecord: Sendable, Equatable {
    package struct Header: Sendable, Equatable {
        package let name: String
        /// Nil for a header without a value.
        package let value: [UInt8]?
    }

    package let topic: String
    package let partition: Int32
    package let offset: Int64
    /// Milliseconds since 1970; nil when the record carries no time.
    package let timestamp: Int64?
    package let key: [UInt8]?
    /// Nil for a tombstone.
    package let value: [UInt8]?
    package let headers: [Header]

    /// The value of the first header of the name, as text.
    package func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value.map { String(decoding: $0, as: UTF8.self) }
    }
}
