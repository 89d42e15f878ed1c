/// Since when nothing could be read, though connections may be had in between.
///
/// Only a look that succeeds ends it, or a session that has lived for a while with nothing to look for. Instants in, a
/// problem out: no clock.
struct ReadFailures: Sendable {
    /// So long may looks fail before that is a problem of its own; and so long has a session to live.
    static let tolerance: Duration = .seconds(5)

    private var since: ContinuousClock.Instant?
    private var reason = ""
    /// Since when the session has had nothing to look for.
    private var resting: ContinuousClock.Instant?

    /// A session could not be made, or has ended, or a consumer could not subscribe.
    mutating func failed(_ reason: String, now: ContinuousClock.Instant) {
        since = begin(now) ?? now
        self.reason = reason
        resting = nil
    }

    /// A look begins.
    mutating func looking(now: ContinuousClock.Instant) {
        since = begin(now)
        resting = nil
    }

    /// A look has succeeded.
    mutating func succeeded() {
        since = nil
    }

    /// There is nothing to look for.
    mutating func rested(now: ContinuousClock.Instant) {
        resting = resting ?? now
    }

    /// `nil` while looks succeed, or fail for a short time only.
    func problem(now: ContinuousClock.Instant) -> SourceProblem? {
        guard let begin = begin(now), now - begin > Self.tolerance else { return nil }
        return SourceProblem(text: reason, isRefusal: false, duration: now - begin)
    }

    private func begin(_ now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        if let resting, now - resting > Self.tolerance { return nil }
        return since
    }
}
