public import EventSourcing

/// What a feed hands out at a time: events in the order of their positions, each with the segment it belongs to.
public struct FeedBatch: Sendable {
    /// One event that was selected.
    public struct Selected: Sendable {
        /// The event's index in `events`.
        public let index: Int
        /// The segment it belongs to.
        public let segment: Int

        package init(index: Int, segment: Int) {
            self.index = index
            self.segment = segment
        }
    }

    /// The events as they were read, also those that nobody here wants; `nil` when none is wanted.
    public let events: EventBatch?
    /// Those to be handled: of owned segments, and not handed over before.
    public let selection: [Selected]
    /// Everything wanted up to this position is in this batch or an earlier one.
    public let through: Int64
    /// Whether there was more to read than fitted: the next batch follows at once.
    package let isFull: Bool

    package init(events: EventBatch?, selection: [Selected], through: Int64, isFull: Bool = false) {
        self.events = events
        self.selection = selection
        self.through = through
        self.isFull = isFull
    }

    /// The same batch with another selection.
    func selecting(_ selection: [Selected]) -> FeedBatch {
        FeedBatch(events: events, selection: selection, through: through, isFull: isFull)
    }

    /// How many of the events to be handled lie at or below a position.
    package func count(through position: Int64) -> Int {
        guard let events else { return 0 }
        return selection.count { events[$0.index].globalPosition <= position }
    }

    /// How many of the events to be handled lie before their segment's halt.
    package func count(before halts: [SegmentHalt]) -> Int {
        guard let events, !halts.isEmpty else { return selection.count }
        let positions = Dictionary(halts.map { ($0.segment, $0.position) }) { min($0, $1) }
        return selection.count { selected in
            positions[selected.segment].map { events[selected.index].globalPosition < $0 } ?? true
        }
    }

    /// The memory that the batch takes, in bytes.
    public var memorySize: Int { events?.memorySize ?? 0 }
}
