import EventSourcing
import FoundationEssentials
import TestSupport
import Testing

@testable import KafkaBridge

/// The decisions of republish jobs that need no clock and no server.
@Suite struct JobDecisionTests {
    @Test(arguments: 0..<200)
    func `reading in stretches finds every selected event of the range once, and no other`(seed: Int) {
        var random = Seeded(UInt64(seed))
        let log = (1...2_000).filter { _ in Int.random(in: 0..<100, using: &random) < seed / 2 + 1 }.map(Int64.init)
        let after = Int64.random(in: 0...1_000, using: &random)
        let through = Int64.random(in: after...2_100, using: &random)
        let limit = Int.random(in: 1...50, using: &random)
        var cursor = RangeCursor(
            after: after, through: through, stretch: Int64.random(in: 1...300, using: &random), longest: 500)
        var found: [Int64] = []
        var reads = 0
        while !cursor.isAtEnd {
            let rows = log.filter { $0 > cursor.position && $0 <= cursor.end }.prefix(limit)
            found += rows
            let before = cursor.position
            cursor.took(last: rows.last, isComplete: rows.count < limit)
            #expect(cursor.position > before && cursor.position <= through)
            reads += 1
        }
        #expect(found == log.filter { $0 > after && $0 <= through })
        #expect(reads < 2_100)
    }

    @Test func `stretches grow where little is found`() {
        var cursor = RangeCursor(after: 0, through: 100_000_000)
        var reads = 0
        while !cursor.isAtEnd {
            cursor.took(last: nil, isComplete: true)
            reads += 1
        }
        #expect(reads < 120)
    }

    @Test(arguments: 0..<50)
    func `no second holds more events than the rate allows, but for one portion`(seed: Int) {
        var random = Seeded(UInt64(seed))
        let rate = Double.random(in: 0.5...5_000, using: &random)
        var pacer = Pacer(perSecond: rate)
        let portion = pacer.portion(atMost: 500)
        #expect(portion >= 1 && Double(portion) <= max(1, rate / 10))
        var now = ContinuousClock.now
        var sent: [(at: ContinuousClock.Instant, count: Int)] = []
        for _ in 0..<300 {
            // The work between two portions takes its time too.
            now += .milliseconds(Int.random(in: 0...20, using: &random))
            let count = Int.random(in: 0...portion, using: &random)
            now = max(now, pacer.admit(count, now: now))
            sent.append((now, count))
        }
        for (index, first) in sent.enumerated() {
            let inSecond = sent[index...].prefix { $0.at < first.at + .seconds(1) }.reduce(0) { $0 + $1.count }
            #expect(Double(inSecond) <= rate + Double(portion) + 1e-6)
        }
    }

    @Test func `what is left follows from what this run has done`() {
        func progress(_ checkpoint: Int64, elapsed: Duration = .seconds(10)) -> JobProgress {
            JobProgress(
                after: 100, through: 1_100, began: 600, checkpoint: checkpoint, published: 600, publishedNow: 50,
                elapsed: elapsed)
        }
        #expect(progress(700).fraction == 0.6)
        #expect(progress(700).rate == 5)
        #expect(progress(700).remaining == .seconds(40))
        #expect(progress(600).remaining == nil)
        #expect(progress(1_100).remaining == .zero && progress(1_100).fraction == 1)
        #expect(progress(600, elapsed: .zero).rate == 0)
    }

    @Test func `a definition says in what it differs, whatever the order of its lists`() {
        var first = JobDefinition(consumer: "a", after: 5)
        first.selection.eventTypes = ["x", "y"]
        var second = first
        second.selection.eventTypes = ["y", "x"]
        #expect(first.differences(from: second).isEmpty)
        second.topic = "t"
        second.after = 6
        second.askedThrough = 9
        second.selection.until = Date(timeIntervalSince1970: 1)
        #expect(first.differences(from: second) == ["first position", "last position", "last time", "topic"])
    }

    @Test func `a name is fit for headers, client ids and command lines`() {
        for name in ["a", "2026-11.nightly_1", String(repeating: "x", count: 100)] {
            #expect(JobName.isValid(name), "\(name)")
        }
        for name in ["", "-a", "a b", "ä", "a/b", "a\n", String(repeating: "x", count: 101)] {
            #expect(!JobName.isValid(name), "\(name.debugDescription)")
        }
    }
}
