/// How long a worker may rely on owning its segments: the owner's side of ``LeaseTerms``.
///
/// Only a heartbeat that was answered prolongs it, and it counts from when that was sent. `ContinuousClock` counts the
/// time a machine is suspended or a process is stopped, so that a worker that wakes up from either knows at once that it
/// has lost its segments.
struct Lease: Sendable {
    private let limit: Duration
    private var expiry: ContinuousClock.Instant?
    /// Counts the leases: a new one begins when the last had run out before it was renewed. A worker that relied on the
    /// last one must first look what is still its own.
    private var number = 0

    init(_ terms: LeaseTerms) {
        limit = terms.ownerLimit
    }

    /// Begins or prolongs the lease, when a heartbeat's answer has come.
    ///
    /// - Parameters:
    ///   - sent: when the heartbeat was *sent*: the database may have noted it at any time from then on.
    ///   - isBegun: whether the worker's row had to be made: others may have taken the segments over since the last one.
    mutating func renew(sent: ContinuousClock.Instant, isBegun: Bool = false, now: ContinuousClock.Instant) {
        if isBegun || current(at: now) == nil {
            number += 1
            expiry = nil
        }
        expiry = max(expiry ?? sent, sent.advanced(by: limit))
    }

    /// The number of the lease, `nil` when it has run out.
    func current(at now: ContinuousClock.Instant) -> Int? {
        guard let expiry, now < expiry else { return nil }
        return number
    }

    /// When it runs out unless it is prolonged; `nil` before the first heartbeat.
    var end: ContinuousClock.Instant? { expiry }
}
