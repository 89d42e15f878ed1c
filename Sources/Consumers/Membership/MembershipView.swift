/// What a worker knows of the others, as of its last look.
struct MembershipView: Sendable {
    struct Row: Sendable {
        let segment: Int
        let owner: String?
        let epoch: Int64
    }

    /// Counts the looks.
    var generation = 0
    /// The live workers by consumer.
    var workers: [String: Set<String>] = [:]
    /// The segments by consumer.
    var segments: [String: [Row]] = [:]
    /// The consumers whose segments are to be given back, and claimed by nobody.
    var drained: Set<String> = []

    /// How many segments of a consumer the worker should own.
    func share(for consumer: String, worker: String, totalSegments: Int) -> Int {
        if drained.contains(consumer) { return 0 }
        return FairShare.share(of: worker, among: workers[consumer] ?? [], totalSegments: totalSegments)
    }

    /// What the worker should do about a consumer, given the segments it believes to own.
    func plan(for consumer: String, worker: String, owned: Set<Int>, totalSegments: Int) -> RebalancePlan {
        let share = share(for: consumer, worker: worker, totalSegments: totalSegments)
        let unowned = segments[consumer]?.count { $0.owner == nil } ?? 0
        return RebalancePlan(owned: owned, unowned: unowned, share: share)
    }

    /// Whether the worker has a segment that it does not believe to own: its row was put back.
    func owns(more consumer: String, worker: String, than claims: [SegmentClaim]) -> Bool {
        let known = Set(claims.map(\.segment))
        return (segments[consumer] ?? []).contains { $0.owner == worker && !known.contains($0.segment) }
    }

    /// The segments that the worker believes to own but does not, or not under the epoch it claimed them with.
    func lost(of consumer: String, worker: String, claims: [SegmentClaim]) -> Set<Int> {
        let rows = Dictionary(
            (segments[consumer] ?? []).map { ($0.segment, $0) }, uniquingKeysWith: { first, _ in first })
        let lost = claims.filter { rows[$0.segment]?.owner != worker || rows[$0.segment]?.epoch != $0.epoch }
        return Set(lost.map(\.segment))
    }
}
