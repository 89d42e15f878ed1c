import EventSourcing

/// Which events of a feed belong to the owned segments and were not handed over yet.
struct SegmentSelection: Sendable {
    private let strategy: any PartitionStrategy
    private let totalSegments: Int
    /// The position behind which events are wanted, by segment; `nil` where the segment is not owned.
    private let starts: [Int64?]

    init(_ ledger: SegmentLedger, totalSegments: Int, strategy: any PartitionStrategy) {
        self.strategy = strategy
        self.totalSegments = totalSegments
        self.starts = (0..<totalSegments).map { ledger.handedOver($0) }
    }

    /// Selects among the first `count` events.
    func select(from events: EventBatch, count: Int) -> [FeedBatch.Selected] {
        var selection: [FeedBatch.Selected] = []
        selection.reserveCapacity(count)
        for index in 0..<count {
            let event = events[index]
            let segment = strategy.segment(of: event.aggregateID, totalSegments: totalSegments)
            guard starts.indices.contains(segment), let start = starts[segment], event.globalPosition > start else {
                continue
            }
            selection.append(FeedBatch.Selected(index: index, segment: segment))
        }
        return selection
    }
}
