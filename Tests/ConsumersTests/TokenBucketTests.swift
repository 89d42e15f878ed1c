import TestSupport
import Testing

@testable import Consumers

@Suite struct TokenBucketTests {
    private let start = ContinuousClock.now

    /// What passes in a time when there is always something to pass, and the takers come back when they were told to.
    private func passed(
        _ bucket: inout TokenBucket, from start: ContinuousClock.Instant, for time: Duration, wanted: Int,
        lateness: () -> Duration = { .zero }
    ) -> Int {
        var now = start
        var count = 0
        while now < start + time {
            switch bucket.take(wanted, now: now) {
            case .go(let some):
                #expect(some >= 1 && some <= wanted)
                count += some
            case .wait(let time):
                #expect(time > .zero)
                now += time + lateness()
            }
        }
        return count
    }

    @Test(arguments: [0.5, 1, 3, 10, 99.5, 1_000, 50_000])
    func `over a time the rate passes, whatever is wanted at once and however late the takers wake`(rate: Double) {
        var random = seeded("late wakes")
        for wanted in [1, 7, 500] {
            var bucket = TokenBucket(rate: rate, now: start)
            let seconds = 20 / min(rate, 1)
            let count = Double(
                passed(&bucket, from: start, for: .seconds(seconds), wanted: wanted) {
                    .microseconds(Int.random(in: 0...1000, using: &random))
                })
            let expected = rate * seconds
            // Never more than the rate and one burst; and no less than a little below it.
            #expect(count <= expected + max(1, rate / 4) + 1)
            #expect(count >= expected * 0.97 - 1)
        }
    }

    @Test func `what was not taken during a rest does not rush afterwards`() {
        var bucket = TokenBucket(rate: 100, now: start)
        _ = passed(&bucket, from: start, for: .seconds(1), wanted: 500)
        let after = start + .seconds(3600)
        let count = passed(&bucket, from: after, for: .seconds(1), wanted: 500)
        #expect((100...126).contains(count))
    }

    @Test func `at any instant, no more than a quarter of a second's worth has gone ahead`() {
        var random = seeded("rates")
        for _ in 0..<200 {
            let rate = Double.random(in: 0.1...5_000, using: &random)
            var bucket = TokenBucket(rate: rate, now: start)
            var (now, count) = (start, 0)
            for _ in 0..<300 {
                now += .milliseconds(Int.random(in: 0...200, using: &random))
                if case .go(let some) = bucket.take(Int.random(in: 1...1000, using: &random), now: now) {
                    count += some
                }
                #expect(Double(count) <= (now - start) / .seconds(1) * rate + max(1, rate / 4) + 0.001)
            }
        }
    }

    @Test func `a wait is no longer than needed, and a clock that does not move gives nothing`() {
        var bucket = TokenBucket(rate: 10, now: start)
        #expect(bucket.take(500, now: start) == .go(1))
        guard case .wait(let time) = bucket.take(500, now: start) else {
            Issue.record("the second event passed at once")
            return
        }
        #expect(time > .milliseconds(99) && time < .milliseconds(102))
        #expect(bucket.take(1, now: start + time) == .go(1))
    }
}
