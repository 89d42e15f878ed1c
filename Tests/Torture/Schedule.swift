import TestSupport

/// What is broken, and when. One seed makes the same schedule each time.
struct Schedule: Sendable {
    struct Step: Sendable, CustomStringConvertible {
        /// After the step before has healed.
        let pause: Duration
        let disruption: Disruption
        let duration: Duration
        /// Which relay, session or kind of request: any number, of which the nemesis takes the remainder.
        let choice: Int

        var description: String {
            let tenths = Int(duration / .milliseconds(100))
            return disruption.rawValue + (duration > .zero ? " for \(tenths / 10).\(tenths % 10) s" : "")
        }
    }

    private var random: Seeded
    private let faults: [Disruption]
    /// Those that have not been drawn in this turn: each comes before any comes again.
    private var bag: [Disruption] = []

    /// - Parameter isEmbedded: whether the broker's own faults can be had.
    init(seed: UInt64, isEmbedded: Bool, only: [Disruption] = []) {
        random = Seeded(seed)
        faults = Disruption.allCases.filter {
            (isEmbedded || !$0.needsEmbeddedBroker) && (only.isEmpty || only.contains($0))
        }
    }

    mutating func next() -> Step {
        if bag.isEmpty { bag = faults.shuffled(using: &random) }
        let disruption = bag.removeLast()
        return Step(
            pause: .milliseconds(Int.random(in: 100...2_000, using: &random)), disruption: disruption,
            duration: .milliseconds(Int.random(in: disruption.duration, using: &random)),
            choice: Int.random(in: 0..<1_000_000, using: &random))
    }
}
