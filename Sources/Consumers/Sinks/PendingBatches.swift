import DequeModule

/// Batches that are published and not acknowledged yet, in order. A pure value.
///
/// A batch without wanted events says only that its segments are done up to its end. Behind another one it needs no place
/// of its own: that holds as soon as the other one is done. So there are no more entries than batches with events, however
/// long an acknowledgement takes.
struct PendingBatches<Batch: Sendable>: Sendable {
    /// Segments that are done up to a position, once everything before is.
    struct Passage: Sendable, Equatable {
        var claims: [SegmentClaim]
        let position: Int64
    }

    private var entries: Deque<(batch: Batch, passages: [Passage])> = []

    var count: Int { entries.count }

    /// The one whose acknowledgement is waited for; it stays until it is removed.
    var first: Batch? { entries.first?.batch }

    mutating func append(_ batch: Batch) { entries.append((batch, [])) }

    /// Merges a batch without events into the last one.
    ///
    /// - Returns: false if there is none, so that the batch needs a place of its own.
    mutating func follow(_ claims: [SegmentClaim], through position: Int64) -> Bool {
        guard !entries.isEmpty else { return false }
        // A later claim of a segment is the same one, farther on, or has taken the place of one that is held no longer.
        let segments = Set(claims.map(\.segment))
        var passages = entries[entries.count - 1].passages
        for index in passages.indices { passages[index].claims.removeAll { segments.contains($0.segment) } }
        passages.removeAll { $0.claims.isEmpty }
        passages.append(Passage(claims: claims, position: position))
        entries[entries.count - 1].passages = passages
        return true
    }

    /// Removes the first one, which is done.
    ///
    /// - Returns: what is done behind it.
    mutating func removeFirst() -> [Passage] { entries.popFirst()?.passages ?? [] }
}
