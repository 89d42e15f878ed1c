/// The pause after a full batch, which leaves the database to others while a long backlog is worked off.
///
/// Doubles from 5 ms up to the maximum while full batches follow one another, halves with each that is not full, and is
/// off when the maximum is not above zero.
struct PostBatchPause: Sendable {
    private static let first: Duration = .milliseconds(5)
    private let maximum: Duration
    private var current: Duration = .zero

    init(maximum: Duration) {
        self.maximum = maximum
    }

    /// The pause after a batch.
    mutating func next(afterFullBatch isFull: Bool) -> Duration {
        guard maximum > .zero else { return .zero }
        if isFull {
            current = min(maximum, current == .zero ? Self.first : current * 2)
        } else {
            current = current / 2 < Self.first ? .zero : current / 2
        }
        return current
    }
}
