public import EventSourcing

/// What a feed hands out at a time: events in the order of their positions, each with the segment it belongs to.
public struct FeedBatch: Sendable {
    /// One event that was selected.
    public struct Selected: Sendable {
        /// The event's index in `events`.
        public let index: Int
        /// The segment it belongs to.
        public let segment: Int
    }

    /// The events as they were read, also those that nobody here wants; `nil` when there were none.
    public let events: EventBatch?
    /// Those to be handled: of owned segments and past their checkpoints.
    public let selection: [Selected]
    /// Everything wanted up to this position is in this batch or an earlier one.
    public let through: Int64

    /// The memory that the batch takes, in bytes.
    public var memorySize: Int { events?.memorySize ?? 0 }
}
