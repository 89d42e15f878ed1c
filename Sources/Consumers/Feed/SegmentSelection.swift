import EventSourcing

/// Which events of a feed belong to the owned segments and are not done yet.
struct SegmentSelection: Sendable {
    private let totalSegments: Int
    /// The checkpoint by segment; `nil` where the segment is not owned.
    private let checkpoints: [Int64?]

    init(totalSegments: Int, owned: [Segment]) {
        self.totalSegments = totalSegments
        var checkpoints = [Int64?](repeating: nil, count: totalSegments)
        for segment in owned where checkpoints.indices.contains(segment.id) {
            checkpoints[segment.id] = segment.checkpoint
        }
        self.checkpoints = checkpoints
    }

    /// Where the feed has to begin: behind the lowest checkpoint.
    var lowestCheckpoint: Int64? { checkpoints.compactMap { $0 }.min() }

    /// Selects among the first `count` events.
    func select(from events: EventBatch, count: Int) -> [FeedBatch.Selected] {
        var selection: [FeedBatch.Selected] = []
        selection.reserveCapacity(count)
        for index in 0..<count {
            let event = events[index]
            let segment = SegmentHash.segment(of: event.aggregateID, totalSegments: totalSegments)
            guard let checkpoint = checkpoints[segment], event.globalPosition > checkpoint else { continue }
            selection.append(FeedBatch.Selected(index: index, segment: segment))
        }
        return selection
    }
}
