import Testing

@testable import KafkaTestBroker

@Suite("Faults of transactional requests")
struct TransactionFaultTests {
    private let first = TopicPartition(topic: "t", partition: 0)
    private let second = TopicPartition(topic: "t", partition: 1)

    /// A request of a transaction, sent by a producer that can send it, and whether it has taken effect.
    enum Step: String, CaseIterable, CustomTestStringConvertible {
        case initProducerID, addPartitions, addOffsets, produce, commitOffset, end, abortByInit

        var testDescription: String { rawValue }

        var kind: RequestKind {
            switch self {
            case .initProducerID, .abortByInit: .initProducerID
            case .addPartitions: .addPartitionsToTxn
            case .addOffsets: .addOffsetsToTxn
            case .produce: .produce
            case .commitOffset: .txnOffsetCommit
            case .end: .endTxn
            }
        }
    }

    private func prepare(_ step: Step) throws -> (BrokerHarness, BrokerHarness.Producer) {
        let harness = try BrokerHarness()
        try harness.makeTopic("t")
        let producer = try harness.producer("x")
        switch step {
        case .initProducerID, .addPartitions, .addOffsets: break
        case .produce, .end, .abortByInit: _ = try harness.add([first], to: "x", producer)
        case .commitOffset: _ = try harness.addOffsets(of: "g", to: "x", producer)
        }
        return (harness, producer)
    }

    private func perform(
        _ step: Step, _ harness: BrokerHarness, _ producer: BrokerHarness.Producer
    ) throws -> KafkaErrorCode {
        switch step {
        case .initProducerID, .abortByInit: try harness.initialize("x").error
        case .addPartitions: try harness.add([first], to: "x", producer)[0]
        case .addOffsets: try harness.addOffsets(of: "g", to: "x", producer)
        case .produce: try harness.produce(["a"], to: first, in: "x", producer, sequence: 0)
        case .commitOffset: try harness.commitOffset(1, of: first, group: "g", in: "x", producer)
        case .end: try harness.end("x", producer, commit: true)
        }
    }

    private func isDone(_ step: Step, _ harness: BrokerHarness, _ producer: BrokerHarness.Producer) throws -> Bool {
        let transaction = try #require(harness.broker.transactions.transactions["x"])
        return switch step {
        case .initProducerID: transaction.epoch != producer.epoch
        case .addPartitions: transaction.partitions == [first]
        case .addOffsets: transaction.groups == ["g"]
        case .produce: harness.broker.partition(first)?.log.endOffset == 1
        case .commitOffset: harness.broker.groups.group("g", create: false)?.hasPendingOffset(first) == true
        case .end: transaction.state == .prepareCommit
        case .abortByInit: transaction.state == .prepareAbort
        }
    }

    private static let codes: [KafkaErrorCode] = [
        .notCoordinator, .coordinatorLoadInProgress, .coordinatorNotAvailable, .concurrentTransactions,
    ]

    @Test(arguments: Step.allCases, codes)
    func `an error before the effect: nothing is done`(step: Step, code: KafkaErrorCode) throws {
        let (harness, producer) = try prepare(step)
        let number = harness.broker.faults.add(
            Fault(.refuse(code), on: step.kind, transactionalID: "x", count: 1))
        #expect(try perform(step, harness, producer) == code)
        #expect(try !isDone(step, harness, producer))
        #expect(harness.broker.faults.hits(number) == 1)
        let second = try perform(step, harness, producer)
        #expect(second == (step == .abortByInit ? .concurrentTransactions : .none))
        #expect(try isDone(step, harness, producer))
    }

    @Test(arguments: Step.allCases, codes)
    func `an error after the effect: all is done`(step: Step, code: KafkaErrorCode) throws {
        let (harness, producer) = try prepare(step)
        _ = harness.broker.faults.add(Fault(.applyThenRefuse(code), on: step.kind, count: 1))
        #expect(try perform(step, harness, producer) == code)
        #expect(try isDone(step, harness, producer))
    }

    @Test(arguments: Step.allCases, [true, false])
    func `a connection cut before or after the effect`(step: Step, isDone: Bool) throws {
        let (harness, producer) = try prepare(step)
        _ = harness.broker.faults.add(Fault(isDone ? .dropAnswer : .disconnect, on: step.kind, count: 1))
        #expect(throws: BrokerHarness.Unanswered.self) { try perform(step, harness, producer) }
        #expect(try self.isDone(step, harness, producer) == isDone)
    }

    @Test(arguments: Step.allCases)
    func `a request that the network held back takes effect after its client is gone`(step: Step) throws {
        let (harness, producer) = try prepare(step)
        _ = harness.broker.faults.add(Fault(.takeEffectLater(.milliseconds(50)), on: step.kind, count: 1))
        #expect(throws: BrokerHarness.Unanswered.self) { try perform(step, harness, producer) }
        harness.advance(by: 49)
        #expect(try !isDone(step, harness, producer))
        harness.advance(by: 1)
        #expect(try isDone(step, harness, producer))
    }

    @Test(arguments: [true, false])
    func `late records of a transaction that has ended open none that would hang`(isFenced: Bool) throws {
        let (harness, producer) = try prepare(.produce)
        _ = harness.broker.faults.add(Fault(.takeEffectLater(.milliseconds(50)), on: .produce, count: 1))
        #expect(throws: BrokerHarness.Unanswered.self) { try perform(.produce, harness, producer) }
        if isFenced { _ = try harness.producer("x") } else { _ = try harness.end("x", producer, commit: false) }
        harness.advance(by: 60)
        let end = try harness.endOffset(first, committed: false)
        #expect(end == 1, "the marker only")
        #expect(try harness.endOffset(first, committed: true) == end)
    }

    @Test func `a fault for one transactional id leaves the others alone`() throws {
        let harness = try BrokerHarness()
        _ = harness.broker.faults.add(Fault(.refuse(.notCoordinator), transactionalID: "x"))
        #expect(try harness.initialize("y").error == .none)
        #expect(try harness.initialize("x").error == .notCoordinator)
    }

    @Test func `a fault for one partition: before the effect nothing joins, after it all do`() throws {
        let (harness, producer) = try prepare(.addPartitions)
        let before = harness.broker.faults.add(
            Fault(.refuse(.notCoordinator), on: .addPartitionsToTxn, topic: "t", partition: 0))
        #expect(try harness.add([first, second], to: "x", producer) == [.notCoordinator, .operationNotAttempted])
        #expect(harness.broker.transactions.transactions["x"]?.partitions == [])
        harness.broker.removeFault(before)
        _ = harness.broker.faults.add(
            Fault(.applyThenRefuse(.notCoordinator), on: .addPartitionsToTxn, topic: "t", partition: 0))
        #expect(try harness.add([first, second], to: "x", producer) == [.notCoordinator, .none])
        #expect(harness.broker.transactions.transactions["x"]?.partitions == [first, second])
    }

    @Test func `a fault for one partition of committed offsets`() throws {
        let (harness, producer) = try prepare(.commitOffset)
        _ = harness.broker.faults.add(Fault(.refuse(.notCoordinator), on: .txnOffsetCommit, topic: "t", partition: 0))
        #expect(try harness.commitOffset(1, of: first, group: "g", in: "x", producer) == .notCoordinator)
        #expect(try harness.commitOffset(1, of: second, group: "g", in: "x", producer) == .none)
        let group = try #require(harness.broker.groups.group("g", create: false))
        #expect(!group.hasPendingOffset(first) && group.hasPendingOffset(second))
    }

    @Test func `a fault for a topic strikes the end of transactions that wrote to it`() throws {
        let (harness, producer) = try prepare(.end)
        _ = harness.broker.faults.add(Fault(.refuse(.notCoordinator), on: .endTxn, topic: "t", partition: 1))
        #expect(try harness.end("x", producer, commit: true) == .none)
        let (other, another) = try prepare(.end)
        _ = other.broker.faults.add(Fault(.refuse(.notCoordinator), on: .endTxn, topic: "t", partition: 0))
        #expect(try other.end("x", another, commit: true) == .notCoordinator)
    }

    @Test func `the markers of an abort that an init began can be held`() throws {
        let (harness, _) = try prepare(.abortByInit)
        let number = harness.broker.faults.add(Fault(.holdMarkers, on: .initProducerID))
        #expect(try harness.initialize("x").error == .concurrentTransactions)
        harness.advance(by: 1000)
        #expect(try harness.initialize("x").error == .concurrentTransactions)
        harness.broker.removeFault(number)
        #expect(try harness.initialize("x").error == .none)
    }
}
