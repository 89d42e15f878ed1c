/// How long to wait before the next attempt: doubling from `initial` up to `maximum`, with jitter.
///
/// Each delay lies between half of the current step and the whole of it, so that many clients do not come back at the
/// same instant.
package struct Backoff: Sendable {
    private let initial: Duration
    private let maximum: Duration
    private var step: Duration

    /// - Parameters:
    ///   - initial: the first step, above zero.
    ///   - maximum: the longest step, not below `initial`.
    package init(initial: Duration, maximum: Duration) {
        self.initial = initial
        self.maximum = max(initial, maximum)
        self.step = initial
    }

    /// The delay before the next attempt.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let delay = step / 2 + step / 2 * Double.random(in: 0...1, using: &generator)
        step = min(step * 2, maximum)
        return delay
    }

    /// The delay before the next attempt.
    package mutating func next() -> Duration {
        var generator = SystemRandomNumberGenerator()
        return next(using: &generator)
    }

    /// Starts from the first step again, after a success.
    package mutating func reset() {
        step = initial
    }
}
