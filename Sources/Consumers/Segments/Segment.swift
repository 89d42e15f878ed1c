/// A segment together with the epoch it was claimed under.
struct SegmentClaim: Sendable, Hashable {
    let segment: Int
    let epoch: Int64
    /// Counts the beginnings under the epoch: a segment that halted begins anew.
    var attempt = 0
}

/// One of a consumer's shares of all aggregates, as its owner claimed it.
struct Segment: Sendable, Hashable {
    /// Counts from 0.
    let id: Int
    /// Everything up to this position was done at the claim.
    let checkpoint: Int64
    /// Counts the claims: who holds an older epoch has lost the segment.
    let epoch: Int64
}
