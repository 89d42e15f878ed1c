/// What a person has ordered for a consumer.
package struct ConsumerControl: Sendable, Hashable {
    /// Whether nothing is fed. Segments are kept, and checkpoints stand.
    package var isPaused: Bool
    /// The most events per second, over all processes; `nil` for no bound.
    package var rate: Double?

    package init(isPaused: Bool = false, rate: Double? = nil) {
        self.isPaused = isPaused
        self.rate = rate
    }
}

/// A change of what is ordered for a consumer.
package enum ControlChange: Sendable, Hashable {
    case pause
    case resume
    /// `nil` lifts the bound.
    case rate(Double?)

    /// The rates that can be ordered: one event in about eleven days to a billion a second.
    package static let rates: ClosedRange<Double> = 0.000_001...1_000_000_000

    /// As the audit names it.
    package var action: String {
        switch self {
        case .pause: "pause"
        case .resume: "resume"
        case .rate: "rate"
        }
    }

    /// What the audit says beside it.
    package var details: String {
        switch self {
        case .pause, .resume: ""
        case .rate(let rate): rate.map { "\($0) events/s" } ?? "off"
        }
    }
}
