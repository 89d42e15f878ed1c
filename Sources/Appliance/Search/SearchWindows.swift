/// Windows of positions for a search from the newest to the oldest, each a bounded statement whose length follows the time that the
/// one before took. A pure value.
struct SearchWindows: Sendable, Hashable {
    /// The next window, both ends included; `nil` at the beginning of the log.
    private(set) var next: ClosedRange<Int64>?
    private var length: Int64
    private let first: Int64

    private static let longest: Int64 = 10_000_000
    /// A window that took less is followed by a longer one.
    private static let aim: Duration = .milliseconds(150)

    /// - Parameters:
    ///   - last: where to begin.
    ///   - first: where the log begins, as far as it matters.
    init(from last: Int64, downTo first: Int64 = 1, length: Int64 = 20_000) {
        self.first = max(1, first)
        self.length = length
        next = Self.window(endingAt: last, self.first, length)
    }

    /// Goes on below the window.
    mutating func took(_ time: Duration) {
        guard let window = next else { return }
        length = time < Self.aim ? min(length * 2, Self.longest) : max(1_000, length / 2)
        next = Self.window(endingAt: window.lowerBound - 1, first, length)
    }

    private static func window(endingAt last: Int64, _ first: Int64, _ length: Int64) -> ClosedRange<Int64>? {
        last < first ? nil : max(first, last - length + 1)...last
    }
}

/// Finds the position at which a time begins, by halving: positions follow times closely, but for transactions that are open for
/// long. A pure value that names positions to look at.
struct TimeBisection: Sendable, Hashable {
    private let time: Int64
    private var low: Int64
    private var high: Int64

    /// Positions around what is found that are searched too, since times are not quite in order.
    static let slack: Int64 = 5_000

    /// - Parameters:
    ///   - time: microseconds since 1970.
    ///   - last: the last position.
    init(_ time: Int64, last: Int64) {
        self.time = time
        (low, high) = (0, last)
    }

    /// The next position to look at; `nil` once it is found.
    var probe: Int64? { low < high ? low + (high - low + 1) / 2 : nil }

    /// Takes in the last event at or before the probe; `nil` where there is none.
    mutating func found(_ event: (position: Int64, time: Int64)?) {
        guard let probe else { return }
        if let event, event.time >= time {
            high = max(low, min(event.position, probe) - 1)
        } else {
            // Where nothing is left before a place, what is looked for lies behind it.
            low = probe
        }
    }

    /// The last position before the time.
    var position: Int64 { low }
}
