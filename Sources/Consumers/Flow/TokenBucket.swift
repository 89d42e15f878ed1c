/// Bounds a flow to so many events per second, over any time longer than its burst.
///
/// Tokens gather at the rate, up to a quarter of a second's worth (or one), so that after a rest nothing rushes. Takers
/// go in small portions rather than whole batches: the flow is even, and a change of the rate holds at once.
///
/// Instants in, decisions out: no clock.
struct TokenBucket: Sendable {
    /// Events per second, above zero.
    let rate: Double
    private var tokens: Double
    private var filled: ContinuousClock.Instant

    enum Decision: Equatable {
        /// So many may go now, at least one.
        case go(Int)
        /// None may go before so long.
        case wait(Duration)
    }

    /// Begins with one portion.
    init(rate: Double, now: ContinuousClock.Instant) {
        self.rate = rate
        filled = now
        tokens = 0
        tokens = Double(portion)
    }

    /// The most that goes at a time: a tenth of a second's worth, one at least.
    private var portion: Int { max(1, Int((rate / 10).clamped)) }
    private var capacity: Double { max(1, rate / 4) }

    /// Takes what may go of those wanted, at least one of which is.
    mutating func take(_ wanted: Int, now: ContinuousClock.Instant) -> Decision {
        tokens = min(capacity, tokens + max(0, (now - filled) / .seconds(1)) * rate)
        filled = max(filled, now)
        let count = min(wanted, portion)
        guard tokens >= Double(count) else {
            // Long waits are cut: the caller asks again, and nothing is taken by asking.
            return .wait(.seconds(min(3600, (Double(count) - tokens) / rate)) + .microseconds(50))
        }
        tokens -= Double(count)
        return .go(count)
    }
}

extension Double {
    /// What an `Int` can take without overflow.
    fileprivate var clamped: Double { Swift.min(self, 1e12) }
}
