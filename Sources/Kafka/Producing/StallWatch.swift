/// Decides when a producer is stuck: records are under way, brokers are believed to be reachable, and nothing was
/// reported for too long. It stands in for librdkafka's message timeout, which would give records up. A pure value.
struct StallWatch: Sendable {
    let limit: Duration
    /// Since when something is under way without a report.
    private var waitingSince: ContinuousClock.Instant?

    init(limit: Duration) { self.limit = limit }

    /// A report arrived, of whichever outcome.
    mutating func observeReport(now: ContinuousClock.Instant) { waitingSince = now }

    /// Looks at the facts now and then; true when the producer has to be replaced.
    mutating func isStalled(outstanding: Int, isDown: Bool, now: ContinuousClock.Instant) -> Bool {
        // An outage is waited out for ever, and the time it took does not count afterwards.
        guard outstanding > 0, !isDown else {
            waitingSince = nil
            return false
        }
        guard let since = waitingSince else {
            waitingSince = now
            return false
        }
        return now - since > limit
    }
}
