import Testing

@testable import KafkaTestBroker

@Suite("Transaction markers")
struct MarkerTests {
    private let first = TopicPartition(topic: "t", partition: 0)
    private let second = TopicPartition(topic: "t", partition: 1)

    private func harness(markerDelay: Duration = .milliseconds(5)) throws -> BrokerHarness {
        var configuration = BrokerConfiguration()
        configuration.transactionMarkerDelay = markerDelay
        let harness = try BrokerHarness(configuration)
        try harness.makeTopic("t")
        return harness
    }

    @Test(arguments: [true, false])
    func `markers come after the answer, and until then the id can begin nothing new`(commit: Bool) throws {
        let harness = try harness()
        let producer = try harness.producer("x")
        #expect(try harness.add([first, second], to: "x", producer) == [.none, .none])
        #expect(try harness.produce(["a"], to: first, in: "x", producer, sequence: 0) == .none)
        #expect(try harness.end("x", producer, commit: commit) == .none)
        #expect(try harness.committed(first) == [])
        #expect(try harness.endOffset(first, committed: true) == 0)
        #expect(try harness.endOffset(first, committed: false) == 1)

        #expect(try harness.add([first], to: "x", producer) == [.concurrentTransactions])
        #expect(try harness.addOffsets(of: "g", to: "x", producer) == .concurrentTransactions)
        #expect(try harness.initialize("x").error == .concurrentTransactions)
        #expect(try harness.end("x", producer, commit: commit) == .concurrentTransactions)
        #expect(try harness.end("x", producer, commit: !commit) == .invalidTxnState)
        let isRefused = try harness.produce(["late"], to: first, in: "x", producer, sequence: 1)
        #expect(isRefused == .notEnoughReplicas, "a reason to try again, not an end")

        harness.advance(by: 5)
        #expect(try harness.committed(first) == (commit ? ["a"] : []))
        #expect(try harness.endOffset(first, committed: true) == 2)
        #expect(try harness.end("x", producer, commit: commit) == .none, "a repeated request whose answer was lost")
        #expect(try harness.end("x", producer, commit: !commit) == .invalidTxnState)
        #expect(try harness.add([second], to: "x", producer) == [.none])
    }

    @Test func `without a delay they are there when the answer is`() throws {
        let harness = try harness(markerDelay: .zero)
        let producer = try harness.producer("x")
        _ = try harness.add([first], to: "x", producer)
        #expect(try harness.produce(["a"], to: first, in: "x", producer, sequence: 0) == .none)
        #expect(try harness.end("x", producer, commit: true) == .none)
        #expect(try harness.committed(first) == ["a"])
        #expect(try harness.add([first], to: "x", producer) == [.none])
    }

    @Test func `one late marker holds back its partition and the id, not the other partitions`() throws {
        let harness = try harness()
        let producer = try harness.producer("x")
        _ = try harness.add([first, second], to: "x", producer)
        for partition in [first, second] {
            #expect(try harness.produce(["a"], to: partition, in: "x", producer, sequence: 0) == .none)
        }
        _ = harness.broker.faults.add(
            Fault(.delayMarkers(.milliseconds(100)), on: .endTxn, topic: "t", partition: 1))
        #expect(try harness.end("x", producer, commit: true) == .none)
        harness.advance(by: 99)
        #expect(try harness.committed(first) == ["a"])
        #expect(try harness.committed(second) == [])
        #expect(try harness.add([first], to: "x", producer) == [.concurrentTransactions])
        harness.advance(by: 1)
        #expect(try harness.committed(second) == ["a"])
        #expect(try harness.add([first], to: "x", producer) == [.none])
    }

    @Test(arguments: [true, false])
    func `held markers are written when the fault goes`(removesAll: Bool) throws {
        let harness = try harness()
        let producer = try harness.producer("x")
        _ = try harness.add([first], to: "x", producer)
        #expect(try harness.produce(["a"], to: first, in: "x", producer, sequence: 0) == .none)
        let number = harness.broker.faults.add(Fault(.holdMarkers, on: .endTxn, transactionalID: "x"))
        _ = try harness.end("x", producer, commit: true)
        harness.advance(by: 10_000)
        #expect(try harness.end("x", producer, commit: true) == .concurrentTransactions)
        if removesAll { harness.broker.removeAllFaults() } else { harness.broker.removeFault(number) }
        #expect(try harness.committed(first) == ["a"])
        #expect(try harness.end("x", producer, commit: true) == .none)
    }

    @Test func `a frozen broker writes no markers`() throws {
        let harness = try harness()
        let producer = try harness.producer("x")
        _ = try harness.add([first], to: "x", producer)
        #expect(try harness.produce(["a"], to: first, in: "x", producer, sequence: 0) == .none)
        _ = try harness.end("x", producer, commit: true)
        harness.broker.freeze()
        harness.advance(by: 100)
        #expect(harness.broker.partition(first)?.log.endOffset == 1)
        harness.broker.thaw()
        #expect(try harness.committed(first) == ["a"])
    }

    @Test(arguments: [true, false])
    func `offsets become the group's with their marker, and not if it aborts`(commit: Bool) throws {
        let harness = try harness()
        let producer = try harness.producer("x")
        #expect(try harness.addOffsets(of: "g", to: "x", producer) == .none)
        #expect(try harness.commitOffset(7, of: first, group: "g", in: "x", producer) == .none)
        #expect(try harness.end("x", producer, commit: commit) == .none)
        let group = try #require(harness.broker.groups.group("g", create: false))
        #expect(group.offsets[first] == nil && group.hasPendingOffset(first))
        harness.advance(by: 5)
        #expect(group.offsets[first]?.offset == (commit ? 7 : nil))
        #expect(!group.hasPendingOffset(first))
        #expect(try harness.commitOffset(8, of: first, group: "g", in: "x", producer) == .invalidTxnState)
    }

    @Test(arguments: [true, false])
    func `a topic deleted before its marker comes does not hold the id`(isOnly: Bool) throws {
        let harness = try harness()
        try harness.makeTopic("gone", partitions: 1)
        let producer = try harness.producer("x")
        let gone = TopicPartition(topic: "gone", partition: 0)
        _ = try harness.add(isOnly ? [gone] : [first, gone], to: "x", producer)
        _ = try harness.end("x", producer, commit: true)
        harness.broker.topics["gone"] = nil
        harness.broker.transactions.forget(topic: "gone")
        harness.advance(by: 5)
        #expect(try harness.end("x", producer, commit: true) == .none)
    }

    @Test func `a transaction with nothing in it ends too`() throws {
        let harness = try harness()
        let producer = try harness.producer("x")
        #expect(try harness.end("x", producer, commit: true) == .invalidTxnState)
        #expect(try harness.add([], to: "x", producer) == [])
        #expect(try harness.end("x", producer, commit: true) == .none)
        harness.advance(by: 5)
        #expect(try harness.end("x", producer, commit: true) == .none)
    }

    @Test func `records of a partition that did not join, or of an ended transaction, are refused`() throws {
        let harness = try harness()
        let producer = try harness.producer("x")
        #expect(try harness.produce(["a"], to: first, in: "x", producer, sequence: 0) == .invalidTxnState)
        #expect(
            try harness.produce(["a"], to: first, in: "x", producer, sequence: 0, version: 11)
                == .transactionAbortable)
        _ = try harness.add([first], to: "x", producer)
        #expect(try harness.produce(["a"], to: first, in: "x", producer, sequence: 0) == .none)
        #expect(try harness.produce(["b"], to: second, in: "x", producer, sequence: 0) == .invalidTxnState)
        _ = try harness.end("x", producer, commit: true)
        harness.advance(by: 5)
        #expect(try harness.produce(["late"], to: first, in: "x", producer, sequence: 1) == .invalidTxnState)
        #expect(try harness.produce(["a"], to: first, in: "x", producer, sequence: 0) == .none, "a duplicate")
        #expect(try harness.committed(first) == ["a"])
        #expect(try harness.endOffset(first, committed: true) == 2, "nothing is left open")
    }

    @Test func `a partition that loses its producers' state keeps its open transactions`() throws {
        let harness = try harness()
        let producer = try harness.producer("x")
        _ = try harness.add([first], to: "x", producer)
        #expect(try harness.produce(["a"], to: first, in: "x", producer, sequence: 0) == .none)
        harness.broker.loseProducerState(topic: nil, partition: nil, producerID: nil)
        #expect(try harness.endOffset(first, committed: true) == 0)
        _ = try harness.end("x", producer, commit: false)
        harness.advance(by: 5)
        #expect(try harness.committed(first) == [])
    }
}
