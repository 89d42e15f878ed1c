/// What keeps a read of events from taking more memory than it may, beside its limit of rows.
package enum PayloadLimit: Sendable, Equatable {
    /// Nothing.
    case none
    /// A row with a larger value than that in a column without a bound of its own comes without it, and with NULL for its
    /// payload, at next to no cost. The result is to be read by ``EventBatch/init(beforeMissingPayload:)``.
    case perRow(Int)
    /// No further row comes once the rows add up to so many bytes; the first row comes whatever its size. The server
    /// keeps the rows aside while it adds up, which doubles its work for each. ``EventBatch/isCut`` says whether any stayed
    /// behind.
    case cumulative(Int)
}
