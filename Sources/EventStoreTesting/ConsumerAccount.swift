public import Consumers
import EventSourcing

/// What a consumer did in one run.
public struct ConsumerAccount: Sendable {
    /// The events that were handled and committed, or published and acknowledged, in the order that this was done in. The
    /// events of one segment are in the order of their positions; segments are handled beside one another.
    public let events: [FeedEvent]
    /// How many events were handed over, with those that came again after a rollback.
    public let attempts: Int
    /// Up to where everything is done, by segment.
    public let checkpoints: [Int: Int64]
    /// Where and why the consumer could not go on; `nil` if it did everything.
    public let failure: (any Error)?

    /// The positions of the events that were handled, in that order.
    public var positions: [Int64] { events.map(\.globalPosition) }
}

/// What a consumer was handed, as a run goes on. A pure value.
struct Attempts: Sendable {
    private(set) var events: [FeedEvent] = []

    mutating func note(_ new: some Sequence<FeedEvent>) {
        events += new
    }

    /// Those that count: the last attempt of each event up to its segment's checkpoint.
    func committed(through checkpoints: [Int: Int64]) -> [FeedEvent] {
        var seen: Set<Int64> = []
        let last = events.reversed().filter { event in
            event.globalPosition <= checkpoints[event.segment] ?? 0 && seen.insert(event.globalPosition).inserted
        }
        return last.reversed()
    }
}
