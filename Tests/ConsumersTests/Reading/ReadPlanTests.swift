import TestSupport
import Testing

@testable import Consumers

@Suite struct ReadPlanTests {
    /// One subscription far behind, and the head far enough for any stretch.
    private func laggard(head: Int64 = 1_000_000_000) -> ReadPlan {
        var plan = ReadPlan(head: head)
        plan.add(1, cursor: 0)
        return plan
    }

    /// Reads one stretch, and gives how long the next one is.
    private func next(
        _ plan: inout ReadPlan, took time: Duration, isCut: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Int64 {
        let stretch = try begin(&plan, 0, sourceLocation: sourceLocation)
        plan.finished(stretch, through: isCut ? stretch.through - 1 : stretch.through, time: time, isCut: isCut)
        return try length(plan, sourceLocation: sourceLocation)
    }

    private func begin(
        _ plan: inout ReadPlan, _ lane: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> ReadPlan.Stretch {
        let stretch = plan.nextStretch(for: lane)
        return try #require(stretch, sourceLocation: sourceLocation)
    }

    private func members(_ plan: inout ReadPlan) -> [Int]? { plan.nextStretch(for: 0)?.members }

    private func length(
        _ plan: ReadPlan, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Int64 {
        var plan = plan
        let stretch = try begin(&plan, 0, sourceLocation: sourceLocation)
        return stretch.through - stretch.after
    }

    @Test func `a stretch that took little time is followed by one twice as long, up to a bound`() throws {
        var plan = laggard()
        #expect(try length(plan) == ReadPlan.firstLength)
        #expect(try next(&plan, took: .milliseconds(10)) == 2 * ReadPlan.firstLength)
        #expect(try next(&plan, took: .milliseconds(70)) == 2 * ReadPlan.firstLength)
        for _ in 0..<20 { _ = try next(&plan, took: .milliseconds(1)) }
        #expect(try length(plan) == ReadPlan.lengths.upperBound)
    }

    @Test func `a stretch that took long is followed by one half as long, down to a bound`() throws {
        var plan = laggard()
        #expect(try next(&plan, took: .milliseconds(150)) == ReadPlan.firstLength)
        #expect(try next(&plan, took: .milliseconds(300)) == ReadPlan.firstLength / 2)
        for _ in 0..<20 { _ = try next(&plan, took: .seconds(1)) }
        #expect(try length(plan) == ReadPlan.lengths.lowerBound)
    }

    @Test func `a stretch that rows or bytes have cut does not grow`() throws {
        var plan = laggard()
        #expect(try next(&plan, took: .milliseconds(1), isCut: true) == ReadPlan.firstLength)
    }

    @Test func `a stretch that the server cancelled is followed by an eighth of it, at the same place`() throws {
        var plan = laggard()
        let first = try begin(&plan, 0)
        plan.failed(first, tookTooLong: true)
        let second = try begin(&plan, 0)
        #expect(second.after == first.after && second.members == first.members)
        #expect(second.through - second.after == ReadPlan.firstLength / 8)
        plan.failed(second, tookTooLong: false)
        #expect(try length(plan) == ReadPlan.firstLength / 8)
        for _ in 0..<10 {
            let stretch = try begin(&plan, 0)
            plan.failed(stretch, tookTooLong: true)
        }
        #expect(try length(plan) == ReadPlan.lengths.lowerBound)
    }

    @Test func `those near each other share a stretch, and those far away do not`() throws {
        var plan = laggard()
        plan.add(2, cursor: ReadPlan.firstLength / 2)
        plan.add(3, cursor: 10 * ReadPlan.shareDistance)
        let near = try begin(&plan, 0)
        #expect(near.members == [1, 2] && near.after == 0 && near.through == ReadPlan.firstLength)
        let far = try begin(&plan, 1)
        #expect(far.members == [3] && far.after == 10 * ReadPlan.shareDistance)
    }

    @Test func `those far from each other take turns`() throws {
        var plan = laggard()
        plan.add(2, cursor: 10 * ReadPlan.shareDistance)
        plan.add(3, cursor: 20 * ReadPlan.shareDistance)
        var order: [[Int]] = []
        for _ in 0..<6 {
            let stretch = try begin(&plan, 0)
            order.append(stretch.members)
            plan.finished(stretch, through: stretch.through, time: .milliseconds(80), isCut: false)
        }
        #expect(order == [[1], [2], [3], [1], [2], [3]])
    }

    @Test func `one that has no room is waited for only while nobody near it is hungry`() throws {
        var plan = laggard()
        plan.add(2, cursor: 0)
        plan.note(1, hasRoom: false, isHungry: false)
        #expect(members(&plan) == nil)
        plan.note(2, hasRoom: true, isHungry: true)
        #expect(members(&plan) == [2])
    }

    @Test func `at the head, one without room leaves as soon as another is hungry`() {
        var plan = ReadPlan(head: 10)
        plan.add(1, cursor: 10)
        plan.add(2, cursor: 10)
        plan.note(1, hasRoom: false, isHungry: false)
        var evicted = [plan.evict()]
        #expect(!plan.headMayRead, "all wait for the one that has no room")
        plan.note(2, hasRoom: true, isHungry: true)
        evicted.append(plan.evict())
        #expect(evicted == [[], [1]])
        plan.fellBack(1, to: 4)
        #expect(plan.headMayRead)
        plan.headMoved(to: 20)
        #expect(plan.members[1]?.cursor == 4 && plan.members[2]?.cursor == 20)
        #expect(plan.joining == nil, "it still has no room")
        plan.note(1, hasRoom: true, isHungry: false)
        #expect(plan.joining == nil, "it would only have to leave again")
        plan.note(1, hasRoom: true, isHungry: true)
        #expect(plan.joining?.ids == [1] && plan.joining?.after == 4)
        plan.joined([1], through: 12)
        #expect(plan.members[1]?.place == .behind)
        plan.joined([1], through: 20)
        #expect(plan.members[1]?.place == .head)
    }

    @Test func `who is close behind the head needs no lane, and who is far behind does not join`() {
        var plan = ReadPlan(head: 10_000)
        plan.add(1, cursor: 10_000 - ReadPlan.joinDistance)
        plan.note(1, hasRoom: true, isHungry: true)
        #expect(plan.joining?.ids == [1])
        #expect(!plan.hasLaggards)
        #expect(members(&plan) == nil)
        plan.add(2, cursor: 10_000 - ReadPlan.joinDistance - 1)
        #expect(plan.joining?.ids == [1])
        #expect(plan.hasLaggards)
        #expect(members(&plan) == [2])
        #expect(!plan.hasLaggards)
    }

    @Test func `when the head jumps, those that followed it are behind`() {
        var plan = ReadPlan(head: 10)
        plan.add(1, cursor: 10)
        plan.add(2, cursor: 90_000)
        plan.headJumped(to: 50_000)
        #expect(plan.members[1]?.place == .behind && plan.members[1]?.cursor == 10)
        #expect(plan.members[2]?.place == .head)
        #expect(members(&plan) == [1])
    }

    @Test func `each subscription is offered everything once and in order, and reaches the head`() {
        for seed in seeds(1_500, of: "read plans") {
            var history = PlanHistory(seed: seed)
            var faults = history.run(steps: 200)
            if faults.isEmpty, !history.allReachTheHead() { faults = history.faults }
            guard faults.isEmpty else {
                Issue.record("GODWIT_SEED=\(seed): \(faults)")
                return
            }
        }
    }
}
