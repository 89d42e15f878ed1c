import Logging

/// What is wrong with a heartbeat that was answered.
struct HeartbeatTrouble: Sendable, Equatable {
    /// The consumers in whose rows it was not noted: another session has locked them. Their leases are not prolonged.
    var unnoted: Set<String> = []
    /// Whether another session has the worker's session lock.
    var isLockMissing = false

    /// Reports what has changed since the heartbeat before.
    func report(since before: HeartbeatTrouble, to logger: Logger) {
        let new = unnoted.subtracting(before.unnoted).sorted()
        if !new.isEmpty {
            logger.warning(
                """
                a heartbeat was not noted: another session has locked rows of consumer_workers; until it lets go, these \
                consumers stop when their lease ends, and nobody takes over
                """, metadata: ["consumers": "\(new.joined(separator: " "))"])
        }
        let recovered = before.unnoted.subtracting(unnoted).sorted()
        if !recovered.isEmpty {
            logger.notice(
                "heartbeats are noted again", metadata: ["consumers": "\(recovered.joined(separator: " "))"])
        }
        if isLockMissing, !before.isLockMissing {
            logger.warning(
                """
                another session has this worker's session lock, as a connection of its own that was lost and that the server \
                has not given up yet; if this worker dies meanwhile, others take over only after worker.stale_threshold
                """)
        } else if before.isLockMissing, !isLockMissing {
            logger.notice("this worker has its session lock")
        }
    }
}
