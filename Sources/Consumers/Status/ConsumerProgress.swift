/// How far the segments that a process owns of a consumer have come.
package struct ConsumerProgress: Sendable, Equatable {
    /// Where each owned segment stands: everything up to the position is done.
    package let segments: [Int: Int64]
    /// How many positions lie behind the lowest of them: as many events wait at most.
    package let lag: Int64
    /// Those of the segments that halt, and why.
    package let halts: [SegmentHalt]

    init(segments: [Int: Int64], latest: Int64, halts: [SegmentHalt] = []) {
        self.segments = segments
        self.halts = halts
        lag = segments.values.min().map { max(0, latest - $0) } ?? 0
    }

    /// The position of the segment that is furthest behind.
    package var checkpoint: Int64? { segments.values.min() }
}
