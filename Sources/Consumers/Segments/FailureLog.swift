/// The segments whose event a consumer could not handle: why, and when each is tried again. A pure value.
///
/// A failure is remembered while its event is tried again, so that it shows until the segment has passed the event.
struct FailureLog: Sendable {
    private struct Entry {
        let failure: ConsumerFailure
        var count: Int
        var due: ContinuousClock.Instant
    }

    /// The first wait; each further failure of the same event doubles it.
    let initialInterval: Duration
    /// The longest wait.
    let maximumInterval: Duration
    private var entries: [Int: Entry] = [:]

    init(initialInterval: Duration, maximumInterval: Duration) {
        self.initialInterval = min(initialInterval, maximumInterval)
        self.maximumInterval = maximumInterval
    }

    /// Notes a failure.
    ///
    /// - Returns: how long to wait until the event is tried again, and whether it is the event's first failure.
    @discardableResult mutating func note(
        _ failure: ConsumerFailure, now: ContinuousClock.Instant
    ) -> (wait: Duration, isFirst: Bool) {
        var count = 0
        if let entry = entries[failure.segment], entry.failure.position == failure.position { count = entry.count }
        // Beyond 2^20 the maximum has long been reached.
        let wait = min(maximumInterval, initialInterval * (1 << min(count, 20)))
        entries[failure.segment] = Entry(failure: failure, count: count + 1, due: now.advanced(by: wait))
        return (wait, count == 0)
    }

    /// Forgets the failure of a segment that has passed the event.
    mutating func passed(_ segment: Int, through position: Int64) {
        if entries.isEmpty { return }
        if let entry = entries[segment], entry.failure.position <= position { entries[segment] = nil }
    }

    /// Forgets the segments that are not among those owned.
    mutating func keep(_ segments: Set<Int>) {
        entries = entries.filter { segments.contains($0.key) }
    }

    /// When a segment is tried again; `nil` if no failure of it is known.
    func due(_ segment: Int) -> ContinuousClock.Instant? { entries[segment]?.due }

    /// The failures, in the order of the segments.
    var failures: [ConsumerFailure] { entries.values.map(\.failure).sorted { $0.segment < $1.segment } }

    /// The failures as halts.
    var halts: [SegmentHalt] { failures.map(\.halt) }
}
