/// The delay before the client rejects a broker's certificate, which makes it try again later.
///
/// librdkafka 2.0.2 connects again at once where a handshake fails by the certificate, whatever `reconnect.backoff.ms` says:
/// hundreds of times a second, each with its lines in the log. A wait in the verification slows that down, on the
/// broker's own thread. A pure value.
struct CertificateBackoff: Sendable {
    private static let first: Duration = .milliseconds(100)
    private static let longest: Duration = .seconds(5)

    /// The next wait, by the broker's name.
    private var waits: [String: Duration] = [:]

    /// A certificate of the broker was not accepted.
    mutating func rejected(_ broker: String) -> Duration {
        let wait = waits[broker] ?? Self.first
        waits[broker] = min(wait * 2, Self.longest)
        return wait
    }

    /// A certificate of the broker was accepted.
    mutating func accepted(_ broker: String) { waits[broker] = nil }
}
