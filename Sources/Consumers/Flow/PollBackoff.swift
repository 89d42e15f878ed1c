/// How long to wait before looking again when nothing came, where no dispatcher wakes the consumer.
struct PollBackoff: Sendable {
    private let initial: Duration
    private let maximum: Duration
    private let factor: Double
    private var current: Duration

    init(initial: Duration, maximum: Duration, factor: Double) {
        self.initial = initial
        self.maximum = maximum
        self.factor = factor
        self.current = initial
    }

    /// The wait after a look that found nothing; grows by the factor up to the maximum.
    mutating func next() -> Duration {
        defer { current = min(maximum, current * factor) }
        return current
    }

    /// Starts from the first wait again, after a look that found something.
    mutating func reset() {
        current = initial
    }
}
