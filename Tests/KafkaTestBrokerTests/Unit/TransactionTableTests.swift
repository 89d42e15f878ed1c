import TestSupport
import Testing

@testable import KafkaTestBroker

@Suite("Transaction table")
struct TransactionTableTests {
    private let partition = TopicPartition(topic: "t", partition: 0)

    @Test(arguments: 0..<20)
    func `in any history only the last producer of an id can act, and outcomes never change`(_ seed: UInt64) {
        var random = Seeded(seed)
        for _ in 0..<100 {
            var table = TransactionTable()
            var nextID: Int64 = 0
            var known: [TransactionTable.Producer] = []
            var outcome: Bool?
            for now in 0..<Int64(60) {
                let producer = known.randomElement(using: &random) ?? .init(id: 99, epoch: 0)
                let isCurrent = producer == known.last
                switch Int.random(in: 0..<6, using: &random) {
                case 0:
                    let answer = table.initialize("x", timeout: 1000, expected: nil, now: now) {
                        nextID += 1
                        return nextID
                    }
                    switch answer {
                    case .ready(let new):
                        #expect(known.allSatisfy { $0.id == new.id && $0.epoch < new.epoch }, "epochs only rise")
                        known.append(new)
                        outcome = nil
                    case .abortPredecessor:
                        let fenced = table.transactions["x"].map {
                            TransactionTable.Producer(id: $0.producerID, epoch: $0.epoch)
                        }
                        guard let fenced else { return #expect(Bool(false)) }
                        #expect((try? table.end("x", producer: fenced, commit: false, now: now)) == true)
                        Self.writeMarkers(&table, now: now)
                        // The epoch that only the fence had: nobody may use it.
                        known.append(.init(id: fenced.id, epoch: fenced.epoch))
                        known.append(.init(id: fenced.id, epoch: -2))
                        known.swapAt(known.count - 1, known.count - 2)
                        known.removeAll { $0.epoch == -2 }
                        outcome = false
                    case .refuse(let code): #expect(Bool(false), "refused with \(code)")
                    }
                case 1, 2, 3:
                    let isAdded: Void? = try? table.add([partition], to: "x", producer: producer, now: now)
                    #expect((isAdded != nil) == isCurrent)
                    if isAdded != nil { outcome = nil }
                default:
                    let commit = Bool.random(using: &random)
                    let isOpen = table.transactions["x"]?.state == .ongoing
                    let wantsMarkers = try? table.end("x", producer: producer, commit: commit, now: now)
                    if !isCurrent {
                        #expect(wantsMarkers == nil)
                    } else if isOpen {
                        #expect(wantsMarkers == true)
                        outcome = commit
                        Self.writeMarkers(&table, now: now)
                    } else {
                        #expect((wantsMarkers == false) == (outcome == commit))
                    }
                }
            }
        }
    }

    private static func writeMarkers(_ table: inout TransactionTable, now: Int64) {
        guard let transaction = table.transactions["x"] else { return }
        for target in MarkerTarget.all(of: transaction) { _ = table.markerWritten(target, of: "x", now: now) }
    }

    private func opened() -> (TransactionTable, TransactionTable.Producer) {
        var table = TransactionTable()
        guard case .ready(let producer) = table.initialize("x", timeout: 10, expected: nil, now: 0, drawID: { 5 })
        else {
            return (table, .init(id: -1, epoch: -1))
        }
        return (table, producer)
    }

    @Test func `records are taken only for partitions that joined`() throws {
        var (table, producer) = opened()
        #expect(throws: KafkaErrorCode.transactionAbortable) {
            try table.verify(partition, in: "x", producer: producer)
        }
        try table.add([partition], to: "x", producer: producer, now: 0)
        try table.verify(partition, in: "x", producer: producer)
        #expect(throws: KafkaErrorCode.invalidProducerIDMapping) {
            try table.verify(partition, in: "y", producer: producer)
        }
        let former = TransactionTable.Producer(id: producer.id, epoch: producer.epoch - 1)
        #expect(throws: KafkaErrorCode.invalidProducerEpoch) {
            try table.verify(partition, in: "x", producer: former)
        }
    }

    @Test func `a transaction times out after its start, not after its last write`() throws {
        var (table, producer) = opened()
        #expect(table.timedOut(now: 1000).isEmpty)
        try table.add([partition], to: "x", producer: producer, now: 100)
        try table.add([TopicPartition(topic: "t", partition: 1)], to: "x", producer: producer, now: 109)
        #expect(table.timedOut(now: 110).isEmpty)
        #expect(table.timedOut(now: 111) == ["x"])
    }

    @Test func `a producer that repeats its init gets the same epoch; another one is fenced`() {
        var (table, producer) = opened()
        let raised = table.initialize("x", timeout: 10, expected: producer, now: 0) { 6 }
        #expect(raised == .ready(.init(id: 5, epoch: 1)))
        #expect(table.initialize("x", timeout: 10, expected: producer, now: 0) { 6 } == raised)
        #expect(
            table.initialize("x", timeout: 10, expected: .init(id: 77, epoch: 0), now: 0) { 6 }
                == .refuse(.producerFenced))
    }

    @Test func `when the epochs are used up a new producer id is given`() {
        var table = TransactionTable()
        var transaction = Transaction(id: "x", producerID: 5, timeoutMilliseconds: 10, updated: 0)
        transaction.epoch = Int16.max - 1
        table.restore(transaction)
        #expect(table.initialize("x", timeout: 10, expected: nil, now: 0) { 6 } == .ready(.init(id: 6, epoch: 0)))
    }

    @Test func `outcomes that stood at a crash are found again`() throws {
        var (table, producer) = opened()
        try table.add([partition], to: "x", producer: producer, now: 0)
        #expect(table.unfinished.isEmpty)
        _ = try table.end("x", producer: producer, commit: true, now: 0)
        #expect(table.unfinished == ["x"])
        #expect(throws: KafkaErrorCode.concurrentTransactions) {
            try table.end("x", producer: producer, commit: true, now: 0)
        }
        Self.writeMarkers(&table, now: 0)
        #expect(table.unfinished.isEmpty)
    }
}
