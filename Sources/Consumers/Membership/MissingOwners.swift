/// Since when owners of segments are known not to be registered. A pure value.
///
/// A worker whose row was deleted by hand may rely on its segments yet. Nobody knows its terms any more, so it is given as long as
/// any worker without a session lock.
struct MissingOwners: Sendable {
    private var since: [String: ContinuousClock.Instant] = [:]
    /// How long an owner must be missing without a break before its segments are freed.
    private let limit: Duration

    init(_ terms: LeaseTerms) {
        limit = max(terms.stale, LeaseTerms.staleBefore)
    }

    /// Notes which owners a look found missing.
    ///
    /// - Parameter now: when the look's answer came.
    mutating func note(_ owners: [String], now: ContinuousClock.Instant) {
        let before = since
        since = owners.reduce(into: [:]) { $0[$1] = before[$1] ?? now }
    }

    /// Those that have been missing for long enough.
    func expired(at now: ContinuousClock.Instant) -> [String] {
        since.filter { $0.value.duration(to: now) > limit }.keys.sorted()
    }
}
