package import Consumers
import EventSourcing

/// What holds for a consumer after an order.
package struct ControlReport: Sendable {
    package let consumer: String
    package let outcome: ConsumerControls.Outcome
    /// How long the relays may take to notice.
    let delay: Duration

    /// For people, one line.
    package var text: String {
        let control = outcome.control
        let rate = control.rate.map { ", at most \(RateText.format($0)) events/s over all processes" } ?? ""
        let state = control.isPaused ? "paused" : "running"
        let effect =
            !outcome.isNew
            ? "as before"
            : delay == .zero ? "the relays are told" : "the relays notice within \(DurationText.format(delay))"
        return "\(consumer): \(state)\(rate) (\(effect))"
    }

    package var json: JSONValue {
        [
            "consumer": .string(consumer),
            "paused": .boolean(outcome.control.isPaused),
            "rate": outcome.control.rate.map { .number($0, digits: 6) } ?? .null,
            "changed": .boolean(outcome.isNew),
        ]
    }
}

/// A rate as people read it: `50`, not `50.0`.
enum RateText {
    static func format(_ rate: Double) -> String {
        if let whole = Int64(exactly: rate) { return "\(whole)" }
        return "\(rate)"
    }
}
