/// What keeps a read of events from taking more memory than it may, beside its limit of rows.
package enum PayloadLimit: Sendable, Equatable {
    /// Nothing.
    case none
    /// A payload of more bytes does not come: its row has NULL for it, at next to no cost. The result is to be read by
    /// ``EventBatch/init(beforeMissingPayload:)``.
    case perRow(Int)
    /// No further row comes once the payloads add up to so many bytes; the first row comes whatever its size. The server
    /// keeps the rows aside while it adds up, which doubles its work for each.
    case cumulative(Int)
}
