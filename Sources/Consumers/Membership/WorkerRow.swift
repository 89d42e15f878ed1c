/// What the others know of a worker: its row, how old that is by the database's clock, and its session lock. A pure value.
///
/// ``WorkersTable`` has the same rule in SQL, by which rows are removed; a test compares the two.
struct WorkerRow: Sendable, Hashable {
    /// How old the last heartbeat is.
    var age: Duration
    /// Whether the worker held its session lock at its last heartbeat; as the version before knows it, which writes true
    /// whether it did or not.
    var hasSessionLock: Bool
    /// Whether no session holds the lock at the moment.
    var isLockFree: Bool
    /// The worker's ``LeaseTerms/takeover``; `nil` where it did not hold its session lock at its last heartbeat, so that
    /// a free lock says nothing about it.
    var takeoverAfter: Duration?
    /// The worker's ``LeaseTerms/stale``; `nil` in the rows of versions before and of pupsourcing/core.
    var staleAfter: Duration?

    /// How old the heartbeat must be before others may take over.
    ///
    /// - Parameter ownStale: the stale threshold of the worker that asks, for rows without terms.
    func limit(ownStale: Duration) -> Duration {
        guard let staleAfter else {
            return hasSessionLock && isLockFree ? min(LeaseTerms.takeoverBefore, ownStale) : ownStale
        }
        return isLockFree ? min(takeoverAfter ?? staleAfter, staleAfter) : staleAfter
    }

    /// Whether others may take its segments over.
    func isDead(ownStale: Duration) -> Bool { age > limit(ownStale: ownStale) }
}
