import EventSourcing

/// Counts what lies behind the checkpoints of a consumer's segments, by reading the events there in order.
///
/// A reading is bounded, so it may end before the latest position. Segments that are far ahead of the slowest one then
/// need another reading, which ``nextReading`` asks for; what no reading reached is bounded by its positions.
///
/// Rows in, figures out: no I/O.
struct Backlog: Sendable {
    private struct Entry {
        let checkpoint: Int64
        /// How far its events were counted.
        var countedThrough: Int64
        var count: Int64 = 0
        var oldest: Duration?
        var oldestPosition: Int64?
    }

    /// How many positions a reading goes on at most, whatever it finds.
    static let widestReading: Int64 = 100_000

    private var entries: [Int: Entry]
    private let totalSegments: Int
    private let strategy: any PartitionStrategy
    private let latest: Int64
    private var readings = 0
    private let mostReadings: Int

    /// - Parameters:
    ///   - checkpoints: by segment.
    ///   - latest: the highest visible position.
    init(
        checkpoints: [Int: Int64], totalSegments: Int, latest: Int64, strategy: any PartitionStrategy,
        mostReadings: Int = 3
    ) {
        entries = checkpoints.mapValues { Entry(checkpoint: $0, countedThrough: $0) }
        self.totalSegments = totalSegments
        self.latest = latest
        self.strategy = strategy
        self.mostReadings = mostReadings
    }

    /// The position to read on from; `nil` when no reading is needed any more, or there were enough.
    var nextReading: Int64? {
        guard readings < mostReadings else { return nil }
        // A segment whose oldest waiting event is known is known well enough.
        return entries.values.filter { $0.countedThrough < latest && $0.oldest == nil }.map(\.countedThrough).min()
    }

    /// Takes in one reading: rows behind `start` in order, complete up to `through`.
    mutating func take(
        from start: Int64, through end: Int64,
        _ rows: some Sequence<(position: Int64, aggregateID: [UInt8], age: Duration)>
    ) {
        readings += 1
        for row in rows {
            let segment = strategy.segment(of: row.aggregateID.span.bytes, totalSegments: totalSegments)
            guard var entry = entries[segment], entry.countedThrough >= start, row.position > entry.countedThrough
            else {
                continue
            }
            entry.count += 1
            if entry.oldest == nil { (entry.oldest, entry.oldestPosition) = (row.age, row.position) }
            entries[segment] = entry
        }
        for (segment, entry) in entries where entry.countedThrough >= start {
            entries[segment]?.countedThrough = max(entry.countedThrough, end)
        }
    }

    /// What waits in a segment; `nil` for one that is not there.
    func lag(of segment: Int) -> SegmentLag? {
        entries[segment].map { entry in
            SegmentLag(
                counted: entry.count, uncounted: max(0, latest - entry.countedThrough), oldest: entry.oldest,
                oldestPosition: entry.oldestPosition)
        }
    }
}
