import Synchronization

/// Notes which connections of a process are waited for, since when, and why.
package final class SessionWaits: Sendable {
    /// A purpose without a session.
    package struct Wait: Sendable {
        package let purpose: SessionPurpose
        /// For how long.
        package let duration: Duration
        /// What the last attempt ended with; nil if none has ended.
        package let refusal: PostgresError?
        /// Whether an attempt has been under way for all of the last seconds: a pooler lets its clients wait.
        package let isHanging: Bool
    }

    private struct Entry {
        var since: ContinuousClock.Instant
        /// When each attempt that is under way began, by its number.
        var attempts: [UInt64: ContinuousClock.Instant] = [:]
        var refusal: PostgresError?
        /// When the last attempt ended.
        var lastEnd: ContinuousClock.Instant?
    }

    /// An attempt to connect.
    package struct Attempt: Sendable {
        fileprivate let waits: SessionWaits
        fileprivate let purpose: SessionPurpose
        fileprivate let number: UInt64

        /// The attempt ended, with this error or with a connection.
        package func end(_ error: PostgresError?) { waits.end(self, error) }
    }

    private let entries = Mutex<[SessionPurpose: Entry]>([:])
    private let lastNumber = Atomic<UInt64>(0)
    /// An attempt that takes longer hangs.
    private static let patience: Duration = .seconds(3)
    /// What has not been tried again for so long is not needed any more.
    private static let retention: Duration = .seconds(10)

    package init() {}

    package func begin(_ purpose: SessionPurpose) -> Attempt {
        let number = lastNumber.wrappingAdd(1, ordering: .relaxed).newValue
        entries.withLock { $0[purpose, default: Entry(since: .now)].attempts[number] = .now }
        return Attempt(waits: self, purpose: purpose, number: number)
    }

    private func end(_ attempt: Attempt, _ error: PostgresError?) {
        entries.withLock { entries in
            guard var entry = entries[attempt.purpose] else { return }
            entry.attempts[attempt.number] = nil
            if let error, error.code != .cancelled {
                entry.refusal = error
                entry.lastEnd = .now
                entries[attempt.purpose] = entry
            } else if entry.attempts.isEmpty {
                entries[attempt.purpose] = nil
            } else {
                // Another of the same purpose still waits.
                entry.since = entry.attempts.values.min() ?? entry.since
                entry.refusal = nil
                entries[attempt.purpose] = entry
            }
        }
    }

    /// What has waited for longer than three seconds, in the order of the purposes.
    package func current() -> [Wait] {
        let now = ContinuousClock.now
        let entries = entries.withLock { entries in
            entries = entries.filter { _, entry in
                !entry.attempts.isEmpty || entry.lastEnd.map { now - $0 < Self.retention } ?? false
            }
            return entries
        }
        return SessionPurpose.allCases.compactMap { purpose in
            guard let entry = entries[purpose], now - entry.since > Self.patience else { return nil }
            return Wait(
                purpose: purpose, duration: now - entry.since, refusal: entry.refusal,
                isHanging: entry.attempts.values.contains { now - $0 > Self.patience })
        }
    }
}
