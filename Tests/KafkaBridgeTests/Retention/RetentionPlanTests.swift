import Testing

@testable import KafkaBridge

/// What holds rows, by name, and since when positions count as delivered.
@Suite struct RetentionPlanTests {
    private func facts(_ checkpoints: [Int64] = [100, 90]) -> RetentionFacts {
        RetentionFacts(consumers: [.init("shop", checkpoints: checkpoints, totalSegments: checkpoints.count)])
    }

    @Test func `the slowest segment of the slowest consumer holds what follows it`() {
        var facts = facts()
        facts.consumers.append(.init("mail", checkpoints: [80, 200], totalSegments: 2))
        let plan = RetentionPlan(facts, longEnough: 500)
        #expect(plan.through == 80)
        #expect(plan.holder?.holder == .consumer("mail"))
        #expect(plan.holder?.description == "consumer mail is at position 80")
    }

    @Test func `one that is registered and has not begun holds everything that it wants`() {
        var facts = facts()
        facts.consumers.append(.init("new", beginsAfter: 0))
        #expect(RetentionPlan(facts, longEnough: 500).through == 0)
        #expect(RetentionPlan(facts, longEnough: 500).holder?.holder == .notStarted("new"))
        facts.consumers[1].beginsAfter = 70
        #expect(RetentionPlan(facts, longEnough: 500).through == 70)
        // It wants nothing that is there.
        facts.consumers[1].beginsAfter = nil
        #expect(RetentionPlan(facts, longEnough: 500).through == 90)
    }

    @Test func `without a consumer that has begun nothing counts as delivered`() {
        for facts in [RetentionFacts(), RetentionFacts(consumers: [.init("new", beginsAfter: nil)])] {
            let plan = RetentionPlan(facts, longEnough: 500)
            #expect(plan.through == 0)
            #expect(plan.holder?.holder == .noConsumer)
            #expect(RetentionPlan.delivered(facts) == nil)
        }
    }

    @Test func `where rows of segments are gone nobody knows what was delivered`() {
        var facts = facts()
        facts.consumers[0].totalSegments = 4
        #expect(RetentionPlan(facts, longEnough: 500).through == 0)
        #expect(RetentionPlan(facts, longEnough: 500).holder?.holder == .segmentsMissing("shop"))
    }

    @Test func `jobs hold their range until they are done, audits what they have not looked at`() {
        var facts = facts()
        facts.jobs = [.init("again", state: "stopped", checkpoint: 40, through: 60)]
        facts.audits = [.init("shop", position: 30, open: [7, 12, 60])]
        let plan = RetentionPlan(facts, longEnough: 500)
        #expect(plan.through == 30)
        #expect(plan.kept == [7, 12])
        #expect(plan.holds.map(\.kind) == ["audit", "job", "consumer", "age"])
        facts.audits = []
        #expect(RetentionPlan(facts, longEnough: 500).through == 40)
        facts.jobs[0].checkpoint = 60
        #expect(RetentionPlan(facts, longEnough: 500).through == 90)
    }

    @Test func `parked events stay, and what lies beyond those that were looked at`() {
        var facts = facts()
        facts.parked = [3, 50, 95]
        #expect(RetentionPlan(facts, longEnough: 500).kept == [3, 50])
        facts.parkedKnownThrough = 50
        #expect(RetentionPlan(facts, longEnough: 500).through == 50)
    }

    @Test func `what is too young is held by its age alone`() {
        let plan = RetentionPlan(facts(), longEnough: 10)
        #expect(plan.through == 10)
        #expect(plan.holder == nil)
    }

    @Test func `positions count as delivered since the sample that first had them`() {
        var history = DeliveredHistory(
            [.init(position: 10, age: .seconds(90)), .init(position: 20, age: .seconds(60))], period: .seconds(50))
        #expect(history.longEnough == 20)
        #expect(history.reach == .seconds(90))
        #expect(history.note(30) == .init(added: 30, dropped: [10]))
        #expect(history.longEnough == 20)
        // A consumer was set back: what it delivers again is delivered then.
        #expect(history.note(15) == .init(added: 15, dropped: [20, 30]))
        #expect(history.longEnough == 0)
    }

    @Test func `samples are not taken more often than the period needs`() {
        var history = DeliveredHistory([.init(position: 10, age: .milliseconds(100))], period: .seconds(50))
        #expect(history.note(20) == .init(added: nil, dropped: []))
        #expect(DeliveredHistory([], period: .seconds(50)).longEnough == 0)
        var idle = DeliveredHistory([.init(position: 10, age: .seconds(10))], period: .seconds(50))
        #expect(idle.note(10) == .init(added: nil, dropped: []))
    }
}
