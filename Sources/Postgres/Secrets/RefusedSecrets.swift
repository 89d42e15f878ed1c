import Synchronization

/// The secrets that the server has refused last, so that the connections of a process do not send them again and again:
/// servers lock out clients that send a wrong password often.
final class RefusedSecrets: Sendable {
    private struct Refusal {
        let keywords: [String: String]
        let error: PostgresError
        let time: ContinuousClock.Instant
    }

    /// The same secrets are tried again after so long, since the server may accept them by then.
    static let pause: Duration = .seconds(5)

    private let last = Mutex<Refusal?>(nil)

    func note(_ keywords: [String: String], _ error: PostgresError, now: ContinuousClock.Instant = .now) {
        last.withLock { $0 = Refusal(keywords: keywords, error: error, time: now) }
    }

    /// What the server answered to these secrets a moment ago.
    func refusal(of keywords: [String: String], now: ContinuousClock.Instant = .now) -> PostgresError? {
        last.withLock { last in
            guard let last, last.keywords == keywords, now - last.time < Self.pause else { return nil }
            return last.error
        }
    }
}
