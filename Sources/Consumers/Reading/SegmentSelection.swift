import EventSourcing

/// Which events belong to the owned segments and were not handed over yet.
struct SegmentSelection: Sendable {
    private let strategy: any PartitionStrategy
    private let totalSegments: Int
    /// The position behind which events are wanted, by segment; `nil` where the segment is not owned.
    private let starts: [Int64?]
    /// How far the segments had come that were exchanged for these.
    private let former: FormerSegments?

    init(
        _ ledger: SegmentLedger, totalSegments: Int, strategy: any PartitionStrategy, former: FormerSegments? = nil
    ) {
        self.init(
            starts: (0..<totalSegments).map { ledger.handedOver($0) }, totalSegments: totalSegments, strategy: strategy,
            former: former)
    }

    init(
        starts: [Int64?], totalSegments: Int, strategy: any PartitionStrategy, former: FormerSegments? = nil
    ) {
        self.former = former
        self.strategy = strategy
        self.totalSegments = totalSegments
        self.starts = starts
    }

    /// Selects among the batch's events those that are wanted and owned.
    ///
    /// - Parameters:
    ///   - wanted: whether the scope has a kind, by the kind's number; `nil` counts as no.
    ///   - scope: for events whose kind has no number of its own, and for what it looks at beyond kinds.
    ///   - filtered: grows by the events that the scope's filter leaves out.
    func select(
        from batch: LogBatch, wanted: [Bool?], scope: EventScope, filtered: inout Int
    ) -> [FeedBatch.Selected] {
        var selection: [FeedBatch.Selected] = []
        let (events, kinds) = (batch.rows.events, batch.rows.kinds)
        let (hasNames, isFiltered) = (
            !scope.aggregateTypes.isEmpty || !scope.boundedContexts.isEmpty, !scope.filter.isEmpty
        )
        if kinds.isEmpty { selection.reserveCapacity(batch.range.count) }
        for index in batch.range {
            // Most events of a shared batch are others': their rows are not touched.
            let kind = kinds.isEmpty ? nil : kinds[index]
            if let kind, kind != EventKinds.overflow, wanted[kind] != true { continue }
            let event = events[index]
            if kind == nil || kind == EventKinds.overflow, hasNames, !scope.containsName(of: event) { continue }
            let segment = strategy.segment(of: event.aggregateID, totalSegments: totalSegments)
            guard starts.indices.contains(segment), let start = starts[segment], event.globalPosition > start else {
                continue
            }
            if let former, former.isDone(event.globalPosition, event.aggregateID, by: strategy) { continue }
            if isFiltered, scope.filter.decide(event) == .unwanted {
                filtered += 1
                continue
            }
            selection.append(FeedBatch.Selected(index: index, segment: segment))
        }
        return selection
    }
}
