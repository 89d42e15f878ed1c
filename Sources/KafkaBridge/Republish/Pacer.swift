/// Spreads events so that no more than so many come in a second. A pure value.
struct Pacer: Sendable {
    private let perSecond: Double
    private var next: ContinuousClock.Instant?

    init(perSecond: Double) { self.perSecond = perSecond }

    /// The most events to take at a time, so that they come evenly: a tenth of a second's.
    func portion(atMost limit: Int) -> Int { max(1, min(limit, Int(min(perSecond / 10, 1e9)))) }

    /// When so many events may go; counts them as gone then. Time in which nothing came is not made up for.
    mutating func admit(_ count: Int, now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        let start = max(next ?? now, now)
        next = start + .seconds(Double(count) / perSecond)
        return start
    }
}
