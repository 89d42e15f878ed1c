/// How many events per second a consumer processed lately. Counts and instants in, rates out; no clock.
struct RateHistory: Sendable {
    /// Five minutes at a look each five seconds.
    static let capacity = 60
    static let interval: Duration = .seconds(5)

    private var last: (count: Int, time: ContinuousClock.Instant)?
    /// Events per second between looks, the oldest first.
    private(set) var rates: [Double] = []

    mutating func note(_ count: Int, at time: ContinuousClock.Instant) {
        defer { last = (count, time) }
        guard let last, time > last.time else { return }
        rates.append(max(0, Double(count - last.count) / ((time - last.time) / .seconds(1))))
        if rates.count > Self.capacity { rates.removeFirst() }
    }

    /// Of the last look.
    var current: Double { rates.last ?? 0 }
    var highest: Double { rates.max() ?? 0 }
}
