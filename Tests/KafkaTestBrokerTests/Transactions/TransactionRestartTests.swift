import Testing

@testable import KafkaTestBroker

@Suite("Transactions across a kill of the broker")
struct TransactionRestartTests {
    private let first = TopicPartition(topic: "t", partition: 0)
    private let second = TopicPartition(topic: "t", partition: 1)

    private func harness() throws -> BrokerHarness {
        var configuration = BrokerConfiguration()
        configuration.nodes = 2
        let harness = try BrokerHarness(configuration, directory: TemporaryDirectory())
        try harness.makeTopic("t")
        return harness
    }

    private func open(_ harness: BrokerHarness, timeout: Int32 = 60_000) throws -> BrokerHarness.Producer {
        let producer = try harness.producer("x", timeout: timeout)
        #expect(try harness.add([first, second], to: "x", producer) == [.none, .none])
        #expect(try harness.addOffsets(of: "g", to: "x", producer) == .none)
        for partition in [first, second] {
            #expect(try harness.produce(["a"], to: partition, in: "x", producer, sequence: 0) == .none)
        }
        #expect(try harness.commitOffset(7, of: first, group: "g", in: "x", producer) == .none)
        return producer
    }

    @Test(
        arguments: [true, false],
        [true, false])
    func `a decided transaction is completed, also if some markers were written`(commit: Bool, someWritten: Bool) throws
    {
        let harness = try harness()
        let producer = try open(harness)
        _ = harness.broker.faults.add(
            Fault(.holdMarkers, on: .endTxn, topic: someWritten ? "t" : nil, partition: someWritten ? 1 : nil))
        #expect(try harness.end("x", producer, commit: commit) == .none)
        harness.advance(by: 10)
        #expect(try harness.committed(first) == (someWritten && commit ? ["a"] : []))
        #expect(try harness.committed(second) == [])
        try harness.killAndRestart()
        for partition in [first, second] {
            #expect(try harness.committed(partition) == (commit ? ["a"] : []))
            #expect(
                try harness.endOffset(partition, committed: true) == harness.endOffset(partition, committed: false))
        }
        #expect(harness.broker.groups.group("g", create: false)?.offsets[first]?.offset == (commit ? 7 : nil))
        #expect(try harness.end("x", producer, commit: commit) == .none)
        #expect(try harness.add([first], to: "x", producer) == [.none], "the producer goes on")
        #expect(try harness.produce(["b"], to: first, in: "x", producer, sequence: 1) == .none)
    }

    @Test func `an open transaction stays open, until its producer ends it`() throws {
        let harness = try harness()
        let producer = try open(harness)
        try harness.killAndRestart()
        #expect(try harness.committed(first) == [])
        #expect(try harness.produce(["b"], to: first, in: "x", producer, sequence: 1) == .none)
        #expect(try harness.end("x", producer, commit: true) == .none)
        harness.advance(by: 10)
        #expect(try harness.committed(first) == ["a", "b"])
        #expect(harness.broker.groups.group("g", create: false)?.offsets[first]?.offset == 7)
    }

    @Test func `an open transaction stays open, until a successor fences it`() throws {
        let harness = try harness()
        let producer = try open(harness)
        try harness.killAndRestart()
        let successor = try harness.producer("x")
        #expect(successor.epoch > producer.epoch)
        #expect(try harness.end("x", producer, commit: true) == .producerFenced)
        #expect(try harness.committed(first) == [])
        #expect(try harness.endOffset(first, committed: true) == 2)
    }

    @Test func `an open transaction stays open, until its timeout`() throws {
        let harness = try harness()
        _ = try open(harness, timeout: 2000)
        harness.advance(by: 1000)
        try harness.killAndRestart()
        harness.advance(by: 900)
        #expect(try harness.endOffset(first, committed: true) == 0)
        harness.advance(by: 1000)
        #expect(try harness.endOffset(first, committed: true) == 2)
        #expect(try harness.committed(first) == [])
    }

    @Test func `a fence survives: the epoch that was raised is not given again`() throws {
        let harness = try harness()
        let producer = try open(harness)
        _ = harness.broker.faults.add(Fault(.holdMarkers, on: .initProducerID))
        #expect(try harness.initialize("x").error == .concurrentTransactions)
        try harness.killAndRestart()
        #expect(try harness.end("x", producer, commit: true) == .producerFenced)
        #expect(try harness.producer("x").epoch == producer.epoch + 2)
        #expect(try harness.committed(second) == [])
    }

    @Test func `a coordinator that was moved stays where it is, in a new epoch`() throws {
        let harness = try harness()
        _ = try harness.producer("x")
        let node: Int32 = harness.broker.coordinatorNode(of: "x") == 1 ? 2 : 1
        #expect(harness.broker.moveTransactionCoordinator(of: "x", to: node, loading: .zero))
        let epoch = harness.broker.coordinatorEpoch(of: "x")
        try harness.killAndRestart()
        #expect(harness.broker.coordinatorNode(of: "x") == node)
        #expect(harness.broker.coordinatorEpoch(of: "x") > epoch)
    }
}
