import EventSourcing

/// Events that were read once, for all subscriptions. They stay in memory, and count there, as long as anyone holds them.
final class LogRows: Sendable {
    let events: EventBatch
    /// The number of each event's kind; empty where all subscriptions want all events.
    let kinds: [Int]
    /// Each event's part of the memory, in bytes.
    let memoryPerEvent: Int
    private let charge: MemoryBudget.Share

    init(_ events: EventBatch, kinds: [Int], charge: MemoryBudget.Share) {
        self.events = events
        self.kinds = kinds
        self.charge = charge
        memoryPerEvent = events.memorySize / max(1, events.count)
    }
}

/// Consecutive events of the log, in the order of their positions, as the reader offers them to subscriptions.
struct LogBatch: Sendable {
    let rows: LogRows
    /// Which of the rows these are.
    let range: Range<Int>
    /// The kinds that occur among them, without repetition; empty where all subscriptions want all events.
    let kinds: [Int]
    /// Everything up to this position is in this batch or an earlier one.
    let through: Int64
    /// Whether more follows at once.
    let isFull: Bool
    /// Whether it was read for subscriptions that are behind.
    let isBehind: Bool
    /// When it was offered, in microseconds since 1970.
    let offeredAt: Int64

    init(_ rows: LogRows, _ range: Range<Int>, through: Int64, isFull: Bool, isBehind: Bool = false) {
        self.rows = rows
        self.range = range
        self.through = through
        self.isFull = isFull
        self.isBehind = isBehind
        offeredAt = WallClock.microseconds
        kinds = rows.kinds.isEmpty ? [] : Array(Set(rows.kinds[range]))
    }

    private init(_ other: LogBatch, _ range: Range<Int>) {
        (rows, kinds, through, isFull, isBehind, offeredAt) = (
            other.rows, other.kinds, other.through, other.isFull, other.isBehind, other.offeredAt
        )
        self.range = range
    }

    /// Without the events up to a position.
    func behind(_ position: Int64) -> LogBatch {
        var low = range.lowerBound
        while low < range.upperBound, rows.events[low].globalPosition <= position { low += 1 }
        return low == range.lowerBound ? self : LogBatch(self, low..<range.upperBound)
    }

    /// The batch's part of the rows' memory, in bytes.
    var memorySize: Int { rows.memoryPerEvent * range.count }
}
