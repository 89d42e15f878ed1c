/// How far a segment is behind, or several together.
package struct SegmentLag: Sendable, Hashable {
    /// The events that were counted one by one.
    package let counted: Int64
    /// The positions behind those that were looked at: as many events wait in addition at most.
    package let uncounted: Int64
    /// The age of the first of them, by its `created_at`; `nil` if none waits or none was found.
    package let oldest: Duration?
    /// Its position; `nil` if none waits or none was found.
    package let oldestPosition: Int64?

    package init(counted: Int64, uncounted: Int64 = 0, oldest: Duration? = nil, oldestPosition: Int64? = nil) {
        self.counted = counted
        self.uncounted = uncounted
        self.oldest = oldest
        self.oldestPosition = oldestPosition
    }

    /// Of segments of one consumer: what was not looked at is the same stretch of the log for all, in which each event
    /// belongs to one of them.
    init(_ segments: some Collection<SegmentLag>) {
        counted = segments.reduce(0) { $0 + $1.counted }
        uncounted = segments.map(\.uncounted).max() ?? 0
        let first = segments.filter { $0.oldest != nil }.max { $0.oldest ?? .zero < $1.oldest ?? .zero }
        (oldest, oldestPosition) = (first?.oldest, first?.oldestPosition)
    }

    /// The events that wait; where not exact, as many at most.
    package var events: Int64 { counted + uncounted }
    package var isExact: Bool { uncounted == 0 }
}
