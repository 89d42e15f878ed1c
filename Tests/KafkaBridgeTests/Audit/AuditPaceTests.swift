import TestSupport
import Testing

@testable import KafkaBridge

@Suite struct AuditPaceTests {
    private static let interval: Duration = .seconds(300)

    /// How long after a loss it counts as missing, in intervals.
    ///
    /// - Parameters:
    ///   - phase: when it is lost, as a part of the interval behind the beginning of a round.
    ///   - durations: of the rounds, as parts of the interval.
    ///   - failing: the round that fails.
    private func delay(phase: Double, durations: [Double], failing: Int?) -> Double {
        let pace = AuditPace(interval: Self.interval)
        let origin = ContinuousClock.now
        let loss = origin + Self.interval * phase
        var (start, hasSuspects) = (origin, false)
        for (number, duration) in durations.enumerated() {
            let end = start + Self.interval * duration
            if number == failing {
                start = pace.next(after: .failed, from: start, to: end)
                continue
            }
            // What is behind the checkpoint when the round begins is looked for.
            let sees = loss <= start
            if sees, hasSuspects { return (end - loss) / Self.interval }
            hasSuspects = sees
            start = pace.next(after: sees ? .suspects : .done, from: start, to: end)
        }
        return .infinity
    }

    @Test
    func `a loss counts within two intervals, whenever it happens, whatever the rounds take up to a quarter of one`() {
        var worst = 0.0
        for step in 0...400 {
            for failing in [nil, 0, 1, 2, 3] {
                let phase = Double(step) / 400
                worst = max(worst, delay(phase: phase, durations: Array(repeating: 0.25, count: 8), failing: failing))
                worst = max(worst, delay(phase: phase, durations: Array(repeating: 0, count: 8), failing: failing))
            }
        }
        #expect(worst <= 2 && worst > 1.5, "\(worst)")
    }

    @Test(arguments: seeds(5, of: "an auditor's rounds"))
    func `generated rounds keep the limit too`(seed: UInt64) {
        var random = Seeded(seed)
        for _ in 0..<2_000 {
            let durations = (0..<8).map { _ in Double.random(in: 0...0.25, using: &random) }
            let failing = Bool.random(using: &random) ? Int.random(in: 0..<4, using: &random) : nil
            let found = delay(phase: .random(in: 0...1, using: &random), durations: durations, failing: failing)
            #expect(found <= 2, "\(found) \(durations) \(String(describing: failing))")
        }
    }

    @Test func `rounds that take long leave time between them`() {
        let pace = AuditPace(interval: .seconds(10))
        let start = ContinuousClock.now
        for round in [AuditPace.Round.done, .suspects, .failed] {
            #expect(pace.next(after: round, from: start, to: start + .seconds(20)) > start + .seconds(20.5))
        }
        #expect(pace.next(after: .done, from: start, to: start + .seconds(1)) == start + .seconds(10))
        #expect(
            pace.settlePatience == .seconds(1.25) && AuditPace(interval: .seconds(300)).settlePatience == .seconds(10))
    }
}
