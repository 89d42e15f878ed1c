/// How far each of a consumer's segments had come when they were exchanged for others. A pure value.
///
/// The new segments begin where the slowest of the former ones was; what the others had done since then is passed over, by the
/// segment that an event was in. So nothing has to stand still until all have come to one position, and a segment that halts is
/// no problem.
package struct FormerSegments: Sendable, Equatable {
    /// By segment.
    package let checkpoints: [Int64]
    /// Behind this position nothing was done.
    package let highest: Int64

    package init(_ checkpoints: [Int64]) {
        self.checkpoints = checkpoints
        highest = checkpoints.max() ?? 0
    }

    /// Whether an event was done under its former segment.
    func isDone(_ position: Int64, _ aggregateID: RawSpan, by strategy: any PartitionStrategy) -> Bool {
        guard position <= highest else { return false }
        let segment = strategy.segment(of: aggregateID, totalSegments: checkpoints.count)
        return checkpoints.indices.contains(segment) && position <= checkpoints[segment]
    }
}

/// The consumer's segments were exchanged for another number of them; it begins anew with these.
struct SegmentsExchanged: Error {
    let total: Int
}
