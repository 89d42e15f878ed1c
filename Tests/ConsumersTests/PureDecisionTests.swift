import EventSourcing
import FoundationEssentials
import Testing

@testable import Consumers

@Suite struct FairShareTests {
    @Test(arguments: 1...64)
    func `shares add up, differ by one at most, and go down with the rank`(workers: Int) {
        for total in 1...64 {
            let shares = (0..<workers).map { FairShare.share(ofRank: $0, workers: workers, totalSegments: total) }
            #expect(shares.reduce(0, +) == total)
            #expect((shares.max() ?? 0) - (shares.min() ?? 0) <= 1)
            #expect(shares == shares.sorted(by: >))
        }
    }

    @Test func `the order of the list does not matter`() {
        let names = ["c", "a", "d", "b"]
        #expect(names.sorted().map { FairShare.share(of: $0, among: names, totalSegments: 6) } == [2, 2, 1, 1])
    }

    @Test func `who is not in the list has no share`() {
        #expect(FairShare.share(of: "gone", among: ["here"], totalSegments: 4) == 0)
    }

    @Test func `a plan claims what is free up to the share, or releases the highest beyond it`() {
        #expect(RebalancePlan(owned: [0], unowned: 1, share: 3).claim == 1)
        #expect(RebalancePlan(owned: [0], unowned: 9, share: 3).claim == 2)
        #expect(RebalancePlan(owned: [0, 1, 2, 3], unowned: 0, share: 2).release == [2, 3])
        #expect(RebalancePlan(owned: [0, 1], unowned: 0, share: 2).isEmpty)
    }
}

@Suite struct PacingTests {
    @Test func `the pause doubles under full batches, halves below, and is off at zero`() {
        var pause = PostBatchPause(maximum: .milliseconds(30))
        let up = (0..<5).map { _ in pause.next(afterFullBatch: true) }
        #expect(up == [5, 10, 20, 30, 30].map { .milliseconds($0) })
        let down = (0..<4).map { _ in pause.next(afterFullBatch: false) }
        #expect(down == [.milliseconds(15), .milliseconds(7.5), .zero, .zero])
        var off = PostBatchPause(maximum: .zero)
        #expect(off.next(afterFullBatch: true) == .zero)
    }

    @Test func `the wait for events grows by the factor to its maximum, and starts anew`() {
        var backoff = PollBackoff(initial: .milliseconds(100), maximum: .seconds(5), factor: 2)
        let waits = (0..<8).map { _ in backoff.next() }
        #expect(waits == [100, 200, 400, 800, 1600, 3200, 5000, 5000].map { .milliseconds($0) })
        backoff.reset()
        #expect(backoff.next() == .milliseconds(100))
    }
}

@Suite struct SegmentLedgerTests {
    private let claims = [SegmentClaim(segment: 0, epoch: 1), SegmentClaim(segment: 1, epoch: 1)]

    private func ledger() -> SegmentLedger {
        var ledger = SegmentLedger()
        ledger.own([Segment(id: 0, checkpoint: 10, epoch: 1), Segment(id: 1, checkpoint: 20, epoch: 1)])
        return ledger
    }

    @Test func `what is done is written once, and never goes back`() {
        var ledger = ledger()
        #expect(ledger.lowestHandedOver == 10)
        ledger.handOver(claims, through: 30)
        ledger.finish(claims, through: 30)
        ledger.finish(claims, through: 25)
        #expect(Set(ledger.unwritten.map(\.position)) == [30])
        ledger.wrote(ledger.unwritten)
        #expect(ledger.unwritten.isEmpty)
    }

    @Test func `a segment kept under its epoch goes on, one claimed anew begins at its checkpoint`() {
        var ledger = ledger()
        ledger.handOver(claims, through: 50)
        ledger.own([Segment(id: 0, checkpoint: 10, epoch: 1), Segment(id: 1, checkpoint: 40, epoch: 3)])
        #expect(ledger.handedOver(0) == 50)
        #expect(ledger.handedOver(1) == 40)
    }

    @Test func `what ends under an old epoch moves nothing`() {
        var ledger = ledger()
        ledger.own([Segment(id: 1, checkpoint: 40, epoch: 3)])
        ledger.finish(claims, through: 100)
        #expect(ledger.unwritten.isEmpty)
        #expect(ledger.handedOver(0) == nil)
    }

    @Test func `after a loss, checkpoints follow what is done up to an event that is still there`() {
        var ledger = ledger()
        ledger.handOver(claims, through: 50)
        ledger.finish([claims[0]], through: 50)
        ledger.wrote(ledger.unwritten)
        let moves = ledger.moves(upTo: EventReference(position: 44, eventID: UUID()))
        #expect(Set(moves.map(\.position)) == [44, 20])
        ledger.forget()
        #expect(ledger.claims.isEmpty)
    }

    @Test func `what was handed over under a lease that has ended moves nothing, and is handed over again`() {
        var ledger = ledger()
        ledger.handOver(claims, through: 50)
        ledger.finish([claims[0]], through: 30)
        ledger.withdraw()
        ledger.finish(claims, through: 50)
        #expect(ledger.positions == [0: 30, 1: 20])
        #expect(ledger.handedOver(0) == 30)
        #expect(!ledger.holds(claims[0]))
        ledger.own([Segment(id: 0, checkpoint: 10, epoch: 1), Segment(id: 1, checkpoint: 20, epoch: 1)])
        #expect(ledger.positions == [0: 30, 1: 20])
    }

    @Test func `what is taken back is handed over again`() {
        var ledger = ledger()
        ledger.handOver(claims, through: 50)
        ledger.finish([claims[0]], through: 50)
        ledger.takeBack()
        #expect(ledger.handedOver(0) == 50)
        #expect(ledger.handedOver(1) == 20)
    }
}

@Suite struct NotifyDemandTests {
    @Test func `many notifications end the request, few events bring it back`() {
        let start = ContinuousClock.now
        var demand = NotifyDemand(now: start)
        #expect(demand.noted(49, now: start) == nil)
        #expect(demand.noted(1, now: start.advanced(by: .milliseconds(100))) == .withdraw)
        var changes: [NotifyDemand.Change] = []
        // A look every 2 ms finds something every other time, then every hundredth.
        for step in 0..<1000 {
            let isNew = step < 500 ? step.isMultiple(of: 2) : step.isMultiple(of: 100)
            let now = start.advanced(by: .milliseconds(100 + 2 * step))
            if let change = demand.noted(isNew ? 1 : 0, now: now) {
                #expect(step > 500)
                changes.append(change)
                break
            }
        }
        #expect(changes == [.ask])
        #expect(demand.isAsking)
    }

    @Test func `a steady trickle keeps the request`() {
        let start = ContinuousClock.now
        var demand = NotifyDemand(now: start)
        for step in 0..<10_000 {
            #expect(demand.noted(1, now: start.advanced(by: .milliseconds(10 * step))) == nil)
        }
    }
}

@Suite struct WorkerOptionsTests {
    private static let wrong: [(String, @Sendable (inout WorkerOptions) -> Void)] = [
        ("totalSegments", { $0.totalSegments = 0 }),
        ("batchSize", { $0.batchSize = 0 }),
        ("maxPollInterval", { $0.maxPollInterval = .milliseconds(1) }),
        ("pollBackoffFactor", { $0.pollBackoffFactor = 0.5 }),
        ("heartbeatInterval", { $0.heartbeatInterval = .zero }),
        ("staleThreshold", { $0.heartbeatInterval = .seconds(20) }),
        ("healthAuditInterval", { $0.healthAuditInterval = .seconds(60) }),
        ("wakeupJitter", { $0.wakeupJitter = .seconds(-1) }),
        ("maxTransientRetryInterval", { $0.maxTransientRetryInterval = .milliseconds(1) }),
        ("startPosition", { $0.startPosition = .after(-1) }),
        ("totalSegments", { $0.overrides["c"] = .init(totalSegments: -1) }),
    ]

    @Test(arguments: wrong.indices)
    func `an option that makes no sense is refused by its name`(index: Int) throws {
        let (name, change) = Self.wrong[index]
        var options = WorkerOptions()
        change(&options)
        let error = try #require(throws: InvalidWorkerOption.self) { try options.resolved(for: "c").validate() }
        #expect(error.option == name)
    }

    @Test func `the defaults are valid`() throws {
        try WorkerOptions().validate()
    }
}
