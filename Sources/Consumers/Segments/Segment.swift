/// One of a consumer's shares of all aggregates: it has one owner and one checkpoint.
public struct Segment: Sendable, Hashable {
    /// Counts from 0.
    public let id: Int
    /// Everything up to this position is done.
    public let checkpoint: Int64
    /// Counts the claims: who holds an older epoch has lost the segment.
    public let epoch: Int64
}
