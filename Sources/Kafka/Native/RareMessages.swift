internal import Synchronization

/// Lets the same message through once a minute, whichever client of the process has it.
final class RareMessages: Sendable {
    /// Of all clients: each consumer has some, and each is refused for the same reason.
    static let shared = RareMessages()

    private static let interval: ContinuousClock.Duration = .seconds(60)
    /// More different ones are not told apart.
    private static let most = 1_000

    private let last = Mutex<[String: ContinuousClock.Instant]>([:])

    /// Whether the message was not let through in the last minute.
    func isDue(_ message: String, now: ContinuousClock.Instant = .now) -> Bool {
        last.withLock { last in
            if let time = last[message], now - time < Self.interval { return false }
            if last.count >= Self.most { last = last.filter { now - $0.value < Self.interval } }
            guard last.count < Self.most else { return false }
            last[message] = now
            return true
        }
    }
}
