/// When an auditor makes its next round. A pure value.
///
/// An event that is lost is missed by a round that begins an interval later at the latest, and counts as missing after the next
/// one, which looks a second time. Both, and one round that fails in between, come within two intervals of the loss, if no
/// round takes longer than a quarter of the interval.
package struct AuditPace: Sendable {
    /// What a round has come to.
    package enum Round: Sendable {
        case done
        /// Something was not found, and is looked for once more before it counts.
        case suspects
        case failed
    }

    private let interval: Duration

    package init(interval: Duration) { self.interval = interval }

    /// How long a round waits for transactions that are open in the database: not for so long that it is late.
    package var settlePatience: Duration { min(.seconds(10), max(.milliseconds(100), interval / 8)) }

    /// - Parameters:
    ///   - start: when the last round began.
    ///   - end: when it ended; rounds that take long leave time between them.
    package func next(
        after round: Round, from start: ContinuousClock.Instant, to end: ContinuousClock.Instant
    ) -> ContinuousClock.Instant {
        switch round {
        case .done: max(start + interval, end + interval / 10)
        case .suspects: max(start + interval / 3, end + interval / 16)
        case .failed: max(start + interval / 8, end + interval / 16)
        }
    }
}
