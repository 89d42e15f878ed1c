/// How long a worker may rely on owning its segments without having heard from the database.
///
/// It ends a margin before others may take the segments over. `ContinuousClock` counts the time a machine is suspended
/// or a process is stopped, so that a worker that wakes up from either knows at once that it has lost them.
struct Lease: Sendable {
    private let duration: Duration
    private var expiry: ContinuousClock.Instant?
    /// Counts the leases: a new one begins when the last had run out before it was renewed. Whoever relied on the last
    /// one must first look what is still its own.
    private var number = 0

    /// - Parameters:
    ///   - staleThreshold: how old a heartbeat may be before others take over.
    ///   - margin: how much earlier to let go.
    init(staleThreshold: Duration, margin: Duration) {
        duration = staleThreshold - margin
    }

    /// Begins or prolongs the lease.
    ///
    /// - Parameter sent: when the heartbeat was *sent*: the database may have noted it at any time from then on.
    mutating func renew(sent: ContinuousClock.Instant, now: ContinuousClock.Instant) {
        if current(at: now) == nil {
            number += 1
            expiry = nil
        }
        expiry = max(expiry ?? sent, sent.advanced(by: duration))
    }

    /// Shortens the lease: the session whose lock vouched for this worker is lost, so that others take over as soon as
    /// the last heartbeat is older than an interval.
    mutating func sessionLost(lastHeartbeat: ContinuousClock.Instant, heartbeatInterval: Duration) {
        guard let expiry else { return }
        self.expiry = min(expiry, lastHeartbeat.advanced(by: heartbeatInterval))
    }

    /// The number of the lease, `nil` when it has run out.
    func current(at now: ContinuousClock.Instant) -> Int? {
        guard let expiry, now < expiry else { return nil }
        return number
    }
}
