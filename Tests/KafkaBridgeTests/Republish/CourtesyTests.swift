import Consumers
import TestSupport
import Testing

@testable import KafkaBridge

/// When a job gives way, in a made-up world: a live event that comes while the job is at work waits for it.
@Suite struct CourtesyTests {
    private struct World {
        /// Delays of live events, in milliseconds.
        var delays: [Double] = []
        var published = 0
        var publishing: Duration = .zero
    }

    /// - Parameters:
    ///   - rate: live events a second.
    ///   - eventTime: what one event of the job takes.
    ///   - weight: how much of a slice's time a live event waits that comes within.
    private func run(
        _ seconds: Int, rate: Double, eventTime: Duration, weight: Double = 1, _ random: inout Seeded,
        isCatchingUp: (Duration) -> Bool = { _ in false }
    ) -> World {
        let start = ContinuousClock.now
        var (now, world) = (start, World())
        var courtesy = Courtesy(most: 500, now: now)
        var nextLive =
            rate > 0 ? start + .seconds(Double.random(in: 0...2 / rate, using: &random)) : start + .seconds(1e6)
        var samples: [LiveFlow.Sample] = []
        /// Live events that come before an instant, of which the job is at work from another on.
        func pass(to end: ContinuousClock.Instant, busySince: ContinuousClock.Instant?) {
            while nextLive < end {
                var delay = Double.random(in: 1.5...3, using: &random)
                if busySince != nil { delay += (end - nextLive) / .milliseconds(1) * weight }
                world.delays.append(delay)
                let micros = Int64(delay * 1_000)
                samples.append(LiveFlow.Sample(age: micros + 700_000, handling: micros / 2))
                nextLive += .seconds(Double.random(in: 0...2 / rate, using: &random))
            }
        }
        while now < start + .seconds(seconds) {
            courtesy.observe(LiveFlow.Load(samples: samples, isCatchingUp: isCatchingUp(now - start)), now: now)
            samples = []
            switch courtesy.step(now: now) {
            case .wait(let end):
                #expect(end > now, "it would spin")
                let until = min(end, now + .milliseconds(100))
                pass(to: until, busySince: nil)
                now = until
            case .publish(let count):
                #expect((1...500).contains(count))
                let time = .milliseconds(1) + eventTime * count
                pass(to: now + time, busySince: now)
                now += time
                if isCatchingUp(now - start) { world.publishing += time }
                world.published += count
                courtesy.published(count, took: time, now: now)
            }
        }
        return world
    }

    private func ninetyNinth(_ values: [Double]) -> Double { values.sorted()[values.count * 99 / 100] }

    @Test(arguments: seeds(20, of: "live flows"))
    func `the slowest live events are not twice as slow beside a job, and the job moves`(seed: UInt64) {
        var random = Seeded(seed)
        let eventTime = Duration.microseconds(Int.random(in: 10...500, using: &random))
        let rate = Double.random(in: 50...500, using: &random)
        let world = run(300, rate: rate, eventTime: eventTime, &random)
        // What it does until it has learned is in it too.
        let beside = ninetyNinth(world.delays)
        #expect(beside < 2 * 3, "p99 \(beside) ms beside 3 ms")
        #expect(world.published > 1_000, "it does not move")
    }

    @Test func `beside nothing a job works four fifths of the time`() {
        var random = Seeded(1)
        let world = run(60, rate: 0, eventTime: .microseconds(100), &random)
        #expect(Double(world.published) > 58 * 0.7 * 10_000 * 0.8, "\(world.published)")
    }

    @Test func `a live flow that does not mind costs a job half of its time at most in the end`() {
        var random = Seeded(2)
        let world = run(120, rate: 200, eventTime: .microseconds(100), weight: 0, &random)
        // Slices are no longer than a live event takes, and a third of each is the job's own.
        #expect(world.published > 120 * 1_500 * 8 / 10, "\(world.published)")
    }

    @Test func `nothing is published while a consumer catches up, and soon afterwards again`() {
        var random = Seeded(3)
        var lag: ClosedRange<Duration> = .seconds(5) ... .seconds(15)
        let world = run(30, rate: 100, eventTime: .microseconds(100), &random) { lag.contains($0) }
        #expect(world.publishing < .milliseconds(30), "\(world.publishing)")
        #expect(world.published > 10_000)
        lag = .seconds(0) ... .seconds(30)
        #expect(run(30, rate: 100, eventTime: .microseconds(100), &random) { lag.contains($0) }.published < 100)
    }

    @Test func `beside a consumer that stays behind a job goes on by a slice a second, after a minute`() {
        var random = Seeded(4)
        let world = run(180, rate: 100, eventTime: .microseconds(100), &random) { _ in true }
        #expect(world.published > 1_000, "it does not move")
        #expect(world.publishing < .seconds(120 * 0.012), "\(world.publishing)")
        #expect(run(55, rate: 100, eventTime: .microseconds(100), &random) { _ in true }.published < 100)
    }
}
