public import EventSourcing

/// What a feed hands out at a time: events in the order of their positions, each with the segment it belongs to.
///
/// ```swift
/// for event in batch { try await send(event.payload, key: event.aggregateID) }
/// ```
///
/// The events come from the database's own bytes, one by one, as the batch is gone through.
public struct FeedBatch: Sendable {
    /// One event that was selected, by its place among those that were read.
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
    /// Keeps the memory of the events counted for as long as the batch lives.
    private let rows: LogRows?
    private let share: Int?
    /// When the reader offered it, and when it was handed over, in microseconds since 1970; where known.
    private(set) var offeredAt: Int64?
    /// Whether it was read for consumers that are behind.
    private(set) var isBehind = false
    var handedOverAt: Int64?
    /// What counts the memory of what is made of the events, these and others that were read with them.
    package internal(set) var records: RecordMemory?

    package init(events: EventBatch?, selection: [Selected], through: Int64, isFull: Bool = false) {
        self.init(events: events, rows: nil, share: nil, selection: selection, through: through, isFull: isFull)
    }

    /// What a subscription selected of a batch of the log.
    init(_ batch: LogBatch, _ selection: [Selected]) {
        self.init(
            events: batch.rows.events, rows: batch.rows, share: batch.memorySize, selection: selection,
            through: batch.through, isFull: batch.isFull)
        offeredAt = batch.offeredAt
        isBehind = batch.isBehind
    }

    private init(
        events: EventBatch?, rows: LogRows?, share: Int?, selection: [Selected], through: Int64, isFull: Bool
    ) {
        self.share = share
        self.events = events
        self.rows = rows
        self.selection = selection
        self.through = through
        self.isFull = isFull
    }

    /// The same batch with another selection.
    func selecting(_ selection: [Selected]) -> FeedBatch {
        with(selection, through: through, isFull: isFull)
    }

    /// The same batch without the events of some segments.
    func leaving(_ segments: Set<Int>) -> FeedBatch { selecting(selection.filter { !segments.contains($0.segment) }) }

    private func with(_ selection: [Selected], through: Int64, isFull: Bool) -> FeedBatch {
        var batch = FeedBatch(
            events: events, rows: rows, share: share, selection: selection, through: through, isFull: isFull)
        (batch.offeredAt, batch.handedOverAt, batch.records) = (offeredAt, handedOverAt, records)
        batch.isBehind = isBehind
        return batch
    }

    /// Takes the first events to be handled off the batch, with everything up to the last of them; all that is left if
    /// there are no more than that.
    mutating func takeFirst(_ count: Int) -> FeedBatch {
        guard count < selection.count, let events, count > 0 else {
            let all = self
            self = selecting([])
            return all
        }
        let first = with(
            Array(selection.prefix(count)), through: events[selection[count - 1].index].globalPosition, isFull: true)
        self = selecting(Array(selection.dropFirst(count)))
        return first
    }

    /// How many of the events to be handled lie at or below a position.
    package func count(through position: Int64) -> Int {
        guard let events else { return 0 }
        return selection.count { events[$0.index].globalPosition <= position }
    }

    /// How many of the events to be handled are of some segments, and lie before their segment's halt.
    ///
    /// - Parameter segments: `nil` for all.
    func count(of segments: Set<Int>?, before halts: [SegmentHalt]) -> Int {
        guard let events, !halts.isEmpty || segments != nil else { return selection.count }
        let positions = Dictionary(halts.map { ($0.segment, $0.position) }) { Swift.min($0, $1) }
        return selection.count { selected in
            segments?.contains(selected.segment) ?? true
                && positions[selected.segment].map { events[selected.index].globalPosition < $0 } ?? true
        }
    }

    /// The memory that the batch takes, in bytes; its part of what was read together.
    public var memorySize: Int { share ?? events?.memorySize ?? 0 }

    /// The last event to be handled.
    var lastSelected: EventReference? { selection.last.map { reference(to: $0.index) } ?? nil }

    /// An event by its index.
    func reference(to index: Int) -> EventReference? { events.map { EventReference($0[index]) } }
}
