import Testing

@testable import KafkaTestBroker

@Suite("Fencing of transactional producers")
struct FencingTests {
    private let partition = TopicPartition(topic: "t", partition: 0)

    private func harness(_ change: (inout BrokerConfiguration) -> Void = { _ in }) throws -> BrokerHarness {
        var configuration = BrokerConfiguration()
        configuration.transactionMarkerDelay = .milliseconds(5)
        change(&configuration)
        let harness = try BrokerHarness(configuration)
        try harness.makeTopic("t", partitions: 1)
        return harness
    }

    @Test func `an init aborts the open transaction first, then gives an epoch that nobody has seen`() throws {
        let harness = try harness()
        let former = try harness.producer("x")
        _ = try harness.add([partition], to: "x", former)
        #expect(try harness.produce(["a"], to: partition, in: "x", former, sequence: 0) == .none)

        #expect(try harness.initialize("x").error == .concurrentTransactions)
        #expect(try harness.initialize("x").error == .concurrentTransactions, "until the abort is complete")
        #expect(try harness.endOffset(partition, committed: true) == 0)
        // Fenced at once, before the marker is written.
        #expect(try harness.produce(["b"], to: partition, in: "x", former, sequence: 1) == .invalidProducerEpoch)
        #expect(try harness.add([partition], to: "x", former) == [.producerFenced])
        #expect(try harness.add([partition], to: "x", former, version: 1) == [.invalidProducerEpoch])
        #expect(try harness.end("x", former, commit: true) == .producerFenced)
        #expect(try harness.end("x", former, commit: true, version: 1) == .invalidProducerEpoch)

        harness.advance(by: 5)
        #expect(try harness.committed(partition) == [])
        let (error, successor) = try harness.initialize("x")
        #expect(error == .none)
        #expect(successor == .init(id: former.id, epoch: former.epoch + 2))
        _ = try harness.add([partition], to: "x", successor)
        #expect(try harness.produce(["c"], to: partition, in: "x", successor, sequence: 0) == .none)
        #expect(try harness.produce(["b"], to: partition, in: "x", former, sequence: 1) == .invalidProducerEpoch)
        _ = try harness.end("x", successor, commit: true)
        harness.advance(by: 5)
        #expect(try harness.committed(partition) == ["c"])
    }

    @Test func `a producer that names its id and epoch is checked by them`() throws {
        let harness = try harness()
        let former = try harness.producer("x")
        let raised = try harness.initialize("x", expected: former)
        #expect(raised.producer == .init(id: former.id, epoch: former.epoch + 1))
        // The same request again, whose answer was lost.
        #expect(try harness.initialize("x", expected: former).producer == raised.producer)
        let successor = try harness.producer("x")
        #expect(try harness.initialize("x", expected: former).error == .producerFenced)
        #expect(try harness.initialize("x", expected: former, version: 3).error == .invalidProducerEpoch)
        #expect(try harness.initialize("x", expected: .init(id: 9_999, epoch: 0)).error == .producerFenced)
        #expect(try harness.initialize("x", expected: successor).error == .none)
    }

    @Test func `when the epochs are used up a new producer id is given, and the former one stays fenced`() throws {
        let harness = try harness()
        var transaction = Transaction(id: "x", producerID: 5, timeoutMilliseconds: 60_000, updated: 0)
        transaction.epoch = Int16.max - 2
        harness.broker.transactions.restore(transaction)
        let last = try harness.producer("x")
        #expect(last == .init(id: 5, epoch: Int16.max - 1))
        _ = try harness.add([partition], to: "x", last)
        #expect(try harness.produce(["a"], to: partition, in: "x", last, sequence: 0) == .none)
        let successor = try harness.producer("x")
        #expect(successor.id != 5 && successor.epoch == 0)
        #expect(try harness.end("x", last, commit: true) == .invalidProducerIDMapping)
        #expect(try harness.produce(["b"], to: partition, in: "x", last, sequence: 1) == .invalidProducerIDMapping)
        #expect(try harness.committed(partition) == [])
    }

    @Test func `a transaction past its timeout is aborted at the next check, and its producer fenced`() throws {
        let harness = try harness { $0.transactionCheckInterval = .milliseconds(200) }
        let late = try harness.producer("x", timeout: 1000)
        _ = try harness.add([partition], to: "x", late)
        #expect(try harness.produce(["a"], to: partition, in: "x", late, sequence: 0) == .none)
        harness.advance(by: 900)
        #expect(try harness.endOffset(partition, committed: true) == 0)
        #expect(try harness.add([partition], to: "x", late) == [.none], "what is added does not prolong it")
        harness.advance(by: 350)
        #expect(try harness.endOffset(partition, committed: true) == 2)
        #expect(try harness.committed(partition) == [])
        #expect(try harness.end("x", late, commit: true) == .producerFenced)
        #expect(try harness.add([partition], to: "x", late) == [.producerFenced])
        #expect(try harness.produce(["b"], to: partition, in: "x", late, sequence: 1) == .invalidProducerEpoch)
        #expect(try harness.initialize("x", expected: late).error == .producerFenced)
        #expect(try harness.producer("x").epoch == late.epoch + 2)
    }

    @Test func `timeouts beyond what the broker allows are refused`() throws {
        let harness = try harness { $0.maxTransactionTimeoutMilliseconds = 5000 }
        #expect(try harness.initialize("x", timeout: 5001).error == .invalidTransactionTimeout)
        #expect(try harness.initialize("x", timeout: 0).error == .invalidTransactionTimeout)
        #expect(try harness.initialize("x", timeout: 5000).error == .none)
    }
}
