/// Watches whether reports come while records are under way. A pure value.
///
/// It replaces librdkafka's message timeout, which would give records up: it decides when a producer is stuck and has
/// to be replaced. And it knows how long nothing has come, whatever the reason, for people.
struct StallWatch: Sendable {
    /// After so long without a report, while brokers are believed to be reachable, the producer is stuck.
    let limit: Duration
    /// Since when records are under way and nothing was reported; nil while nothing is under way.
    private(set) var waitingSince: ContinuousClock.Instant?
    /// Records handed over and not reported. Below zero for a moment when a report is counted before its record.
    private var underWay = 0
    /// When the brokers were last seen to be away.
    private var lastOutage: ContinuousClock.Instant?

    init(limit: Duration) { self.limit = limit }

    /// How often to look: often enough for the limit, whatever else happens.
    var lookInterval: Duration { min(.seconds(5), limit / 4) }

    mutating func handedOver(_ count: Int, now: ContinuousClock.Instant) {
        underWay += count
        if underWay <= 0 { waitingSince = nil } else if waitingSince == nil { waitingSince = now }
    }

    /// Reports arrived, of whichever outcome.
    mutating func reported(_ count: Int, now: ContinuousClock.Instant) {
        underWay -= count
        waitingSince = underWay > 0 ? now : nil
    }

    /// Looks at the facts now and then; true when the producer has to be replaced.
    mutating func isStalled(isDown: Bool, now: ContinuousClock.Instant) -> Bool {
        // An outage is waited out without end, and the time it took does not count afterwards.
        if isDown { lastOutage = now }
        guard let waitingSince else { return false }
        return now - max(waitingSince, lastOutage ?? waitingSince) > limit
    }
}
