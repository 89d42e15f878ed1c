/// The shape of a record.
package enum RecordFormat: String, Sendable, Hashable, CaseIterable {
    /// The value is the payload, byte for byte; everything else is in headers.
    case payload
}
