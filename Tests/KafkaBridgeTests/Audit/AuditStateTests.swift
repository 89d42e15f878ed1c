import Kafka
import TestSupport
import Testing

@testable import KafkaBridge

/// What an audit finds, on generated histories: all that is lost and nothing else, whatever is bounded and restarted.
@Suite struct AuditStateTests {
    /// Bounds so small that they are met all the time.
    private static let narrow = AuditState.Limits(ahead: 5, recent: 20, aggregates: 8, suspects: 50, missing: 50)

    private func check(_ history: AuditHistory, _ seed: UInt64) {
        let record = history.state.record
        #expect(record.counts.missing == Int64(history.lost.count), "seed \(seed)")
        #expect(record.missing == history.lost.sorted() && record.suspects.isEmpty, "seed \(seed)")
        #expect(Set(history.reported) == history.lost && history.reported.count == history.lost.count, "seed \(seed)")
        #expect(record.counts.parked == Int64(history.parked.count), "seed \(seed)")
        #expect(record.counts.committed == Int64(history.plan.events), "seed \(seed)")
        #expect(record.counts.accounted == record.counts.committed, "seed \(seed)")
        #expect(record.counts.disordered == 0 && record.counts.misplaced == 0, "seed \(seed)")
    }

    @Test func `what is lost is found, and what is doubled, however late`() {
        for seed in seeds(100, of: "audits") {
            var plan = AuditHistory.Plan(lossy: 20, parking: 15, doubling: 6)
            plan.hasPositions = seed.isMultiple(of: 2)
            var history = AuditHistory(plan, seed: seed)
            history.run()
            check(history, seed)
            #expect(history.state.record.counts.doubled == Int64(history.doubled.count), "seed \(seed)")
            // Every record is read once where all that comes ahead can be kept.
            #expect(history.recordsRead == history.recordCount, "seed \(seed)")
        }
    }

    @Test func `bounds and restarts hide no loss and make none up`() {
        for seed in seeds(200, of: "bounded audits") {
            var plan = AuditHistory.Plan(lossy: 20, parking: 15, doubling: 6, foreign: 3)
            plan.limits = Self.narrow
            plan.restarts = 5
            plan.stepSize = 7
            var history = AuditHistory(plan, seed: seed)
            history.run()
            check(history, seed)
            #expect(history.state.record.counts.doubled <= Int64(history.doubled.count), "seed \(seed)")
        }
    }

    @Test func `a healthy history with redeliveries shows nothing but the doubles`() {
        for seed in seeds(50, of: "healthy audits") {
            var plan = AuditHistory.Plan(doubling: 3, foreign: 4)
            plan.restarts = 9
            plan.lateness = 10
            var history = AuditHistory(plan, seed: seed)
            history.run()
            check(history, seed)
            #expect(history.state.record.counts.doubled > 0 && history.reported.isEmpty, "seed \(seed)")
        }
    }

    @Test func `a missing event that is published later is found, and counts no more`() {
        for seed in seeds(50, of: "repaired audits") {
            var history = AuditHistory(AuditHistory.Plan(lossy: 15), seed: seed)
            history.run()
            guard let first = history.lost.min() else { continue }
            history.repair(first)
            history.audit(at: history.recordCount)
            #expect(history.recovered == [first], "seed \(seed)")
            #expect(history.state.record.counts.missing == Int64(history.lost.count), "seed \(seed)")
            #expect(history.state.record.counts.accounted == history.state.record.counts.committed, "seed \(seed)")
        }
    }

    @Test func `a parked event is looked for after its redrive, and counts as what became of it`() {
        for seed in seeds(50, of: "redriven audits") {
            var plan = AuditHistory.Plan(parking: 10)
            plan.hasPositions = seed.isMultiple(of: 2)
            plan.restarts = 4
            var history = AuditHistory(plan, seed: seed)
            history.run()
            let parked = history.parked.sorted()
            guard parked.count > 3 else { continue }
            #expect(history.state.record.parked == parked, "seed \(seed)")
            history.redrive(parked[0])
            history.discard(parked[1])
            // Called redriven, and in no topic: it is a suspect first, and then missing.
            history.redrive(parked[2], isPublished: false)
            history.audit(at: history.recordCount)
            #expect(history.state.record.suspects == [parked[2]] && history.reported.isEmpty, "seed \(seed)")
            history.audit(at: history.recordCount)
            let record = history.state.record
            #expect(record.missing == [parked[2]] && history.reported == [parked[2]], "seed \(seed)")
            #expect(record.parked == Array(parked.dropFirst(3)), "seed \(seed)")
            #expect(record.counts.parked == Int64(parked.count - 3) && record.counts.discarded == 1, "seed \(seed)")
            #expect(record.counts.missing == 1 && record.counts.doubled == 0, "seed \(seed)")
            #expect(record.counts.accounted == record.counts.committed, "seed \(seed)")
            history.repair(parked[2])
            history.audit(at: history.recordCount)
            #expect(history.recovered == [parked[2]], "seed \(seed)")
        }
    }

    @Test func `where more are parked than can be looked for, the rest stays counted`() {
        var plan = AuditHistory.Plan(parking: 3)
        plan.limits.parked = 5
        var history = AuditHistory(plan, seed: 1)
        history.run()
        let record = history.state.record
        #expect(record.parked.count == 5 && record.counts.parked == Int64(history.parked.count))
        #expect(record.counts.accounted == record.counts.committed)
    }

    @Test func `events that overtake each other within their aggregate are found`() {
        for seed in seeds(50, of: "disordered audits") {
            var history = AuditHistory(AuditHistory.Plan(), seed: seed)
            history.swap(40)
            history.swap(90)
            history.run()
            #expect(history.state.record.counts.disordered == 2, "seed \(seed)")
            #expect(history.state.record.counts.missing == 0, "seed \(seed)")
        }
    }
}
