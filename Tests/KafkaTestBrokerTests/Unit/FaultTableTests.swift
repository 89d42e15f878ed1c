import Foundation
import Testing

@testable import KafkaTestBroker

@Suite("Fault table")
struct FaultTableTests {
    private func request(_ kind: RequestKind = .produce, _ targets: [(String, Int32)] = [], node: Int32 = 1)
        -> FaultTable.Request
    {
        .init(kind: kind, node: node, targets: targets.map { .init(topic: $0.0, partition: $0.1) })
    }

    @Test func `a fault lets pass what it skips, strikes as often as told, and counts`() {
        var table = FaultTable()
        let number = table.add(Fault(.dropAnswer, on: .produce, skip: 2, count: 3))
        let struck = (0..<8).map { _ in table.plan(for: request()).ending == .drop }
        #expect(struck == [false, false, true, true, true, false, false, false])
        #expect(table.plan(for: request(.fetch)).ending == .answer)
        #expect(table.hits(number) == 3)
        table.remove(number)
        #expect(table.hits(number) == 3)
    }

    @Test func `only the named topic, partition and node are struck`() {
        var table = FaultTable()
        _ = table.add(Fault(.refuse(.notEnoughReplicas), on: .produce, topic: "a", partition: 1, node: 2))
        #expect(table.plan(for: request(.produce, [("a", 1)])).injectedErrors.isEmpty)
        #expect(table.plan(for: request(.produce, [("a", 0), ("b", 1)], node: 2)).injectedErrors.isEmpty)
        let plan = table.plan(for: request(.produce, [("a", 0), ("a", 1), ("b", 1)], node: 2))
        #expect(
            plan.injectedErrors == [
                .init(partition: .init(topic: "a", partition: 1), code: .notEnoughReplicas, isAfterEffect: false)
            ])
    }

    @Test func `several faults add up`() {
        var table = FaultTable()
        _ = table.add(Fault(.delay(.milliseconds(5))))
        _ = table.add(Fault(.delay(.milliseconds(7)), on: .fetch))
        _ = table.add(Fault(.throttle(.seconds(1))))
        let plan = table.plan(for: request(.fetch))
        #expect(plan.delay == .milliseconds(12))
        #expect(plan.throttle == .seconds(1))
    }

    @Test(arguments: [
        Fault.Action.refuse(.notCoordinator), .applyThenRefuse(.coordinatorLoadInProgress), .dropAnswer, .hang,
        .disconnect, .disconnectMidFrame, .delay(.milliseconds(5)), .throttle(.milliseconds(6)),
        .delayMarkers(.milliseconds(7)), .holdMarkers, .takeEffectLater(.milliseconds(8)),
    ])
    func `faults keep their meaning as JSON`(_ action: Fault.Action) throws {
        let fault = Fault(
            action, on: .endTxn, transactionalID: "x", topic: "t", partition: 1, node: 2, skip: 3, count: 4)
        #expect(try JSONDecoder().decode(Fault.self, from: JSONEncoder().encode(fault)) == fault)
    }

    @Test func `markers are late or held where a fault says so`() {
        var table = FaultTable()
        let target = MarkerTarget.partition(.init(topic: "a", partition: 1))
        let other = MarkerTarget.partition(.init(topic: "a", partition: 0))
        _ = table.add(Fault(.delayMarkers(.milliseconds(7)), topic: "a", partition: 1))
        let number = table.add(Fault(.holdMarkers))
        let timing = table.plan(for: request(.endTxn, [("a", 0), ("a", 1)])).markers
        #expect(timing.delay(target) == .milliseconds(7) && timing.delay(other) == nil)
        #expect(timing.delay(.group("g")) == nil)
        #expect([target, other, .group("g")].allSatisfy { timing.holds($0) == [number] })
        #expect(table.isInForce(number))
        table.remove(number)
        #expect(!table.isInForce(number))
    }

    @Test func `a fault aimed at a topic strikes every request that names it, and no other`() throws {
        let harness = try BrokerHarness()
        for name in ["a", "b"] { try harness.makeTopic(name, partitions: 1) }
        _ = harness.broker.faults.add(Fault(.refuse(.notCoordinator), topic: "a"))
        func commit(_ topic: String) throws -> KafkaErrorCode? {
            let request = OffsetCommit.Request(
                groupID: "g", topics: [.init(name: topic, partitions: [.init(index: 0, offset: 1)])])
            let response: OffsetCommit.Response = try harness.ask(.offsetCommit, 9, request)
            return response.answers.first?.partitions.first?.error
        }
        #expect(try commit("a") == .notCoordinator)
        #expect(try commit("b") == KafkaErrorCode.none)
        let listing = ListOffsets.Request(topics: [.init(name: "a", partitions: [.init(index: 0, timestamp: -1)])])
        let listed: ListOffsets.Response = try harness.ask(.listOffsets, 2, listing)
        #expect(listed.answers.first?.partitions.first?.error == .notCoordinator)
    }
}
