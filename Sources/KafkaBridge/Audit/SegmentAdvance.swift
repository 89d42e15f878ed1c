/// Whether all segments of a consumer move. A pure value.
///
/// An audit comes as far as the segment that is furthest behind. Where that one does not move, what the others have delivered
/// meanwhile is not audited, and the audit must not seem to have caught up.
struct SegmentAdvance: Sendable {
    /// How far the furthest segment was when all had last come to where the furthest was before.
    private var goal: Int64?

    /// - Returns: whether the slowest segment has come to where the furthest was when this was last the case.
    mutating func note(lowest: Int64?, highest: Int64?) -> Bool {
        guard let lowest, let highest else { return true }
        // Set back by an operator, or on another log.
        if let goal, lowest < goal, highest >= goal { return false }
        goal = highest
        return true
    }

    mutating func note(_ due: DuePositions) -> Bool { note(lowest: due.lowest, highest: due.highest) }
}
