import EventSourcing

/// Which events belong to the owned segments and were not handed over yet.
struct SegmentSelection: Sendable {
    private let strategy: any PartitionStrategy
    private let totalSegments: Int
    /// The position behind which events are wanted, by segment; `nil` where the segment is not owned.
    private let starts: [Int64?]

    init(_ ledger: SegmentLedger, totalSegments: Int, strategy: any PartitionStrategy) {
        self.init(
            starts: (0..<totalSegments).map { ledger.handedOver($0) }, totalSegments: totalSegments, strategy: strategy)
    }

    init(starts: [Int64?], totalSegments: Int, strategy: any PartitionStrategy) {
        self.strategy = strategy
        self.totalSegments = totalSegments
        self.starts = starts
    }

    /// Selects among the batch's events those that are wanted and owned.
    ///
    /// - Parameter isWanted: says of an event and its kind's number whether the scope has it.
    func select(from batch: LogBatch, isWanted: (Int, EventView) -> Bool) -> [FeedBatch.Selected] {
        var selection: [FeedBatch.Selected] = []
        selection.reserveCapacity(batch.range.count)
        let (events, kinds) = (batch.rows.events, batch.rows.kinds)
        for index in batch.range {
            let event = events[index]
            if !kinds.isEmpty, !isWanted(kinds[index], event) { continue }
            let segment = strategy.segment(of: event.aggregateID, totalSegments: totalSegments)
            guard starts.indices.contains(segment), let start = starts[segment], event.globalPosition > start else {
                continue
            }
            selection.append(FeedBatch.Selected(index: index, segment: segment))
        }
        return selection
    }
}
