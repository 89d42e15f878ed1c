/// How often wrong tokens may be tried. A pure value.
///
/// Tokens are to be long; this keeps a short one from being found by trying, and the log from being filled.
struct SignInLimit: Sendable {
    static let mostFailures = 10
    static let window: Duration = .seconds(60)
    /// Addresses that are remembered; where there are more, all of them together have the failures of one.
    static let mostAddresses = 1_000

    private var failures: [String: [ContinuousClock.Instant]] = [:]

    /// How long an address has to wait before it may try again; `nil` where it may.
    mutating func wait(of address: String, at now: ContinuousClock.Instant) -> Duration? {
        let recent = (failures[key(address)] ?? []).filter { now - $0 < Self.window }
        failures[key(address)] = recent.isEmpty ? nil : recent
        guard recent.count >= Self.mostFailures, let first = recent.first else { return nil }
        return Self.window - (now - first)
    }

    mutating func failed(_ address: String, at now: ContinuousClock.Instant) {
        if failures[address] == nil, failures.count >= Self.mostAddresses {
            failures = failures.filter { now - ($0.value.last ?? now) < Self.window }
        }
        failures[key(address), default: []].append(now)
    }

    private func key(_ address: String) -> String {
        failures[address] == nil && failures.count >= Self.mostAddresses ? "" : address
    }
}
