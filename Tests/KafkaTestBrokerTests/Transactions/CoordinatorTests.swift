import Testing

@testable import KafkaTestBroker

@Suite("Transaction coordinators")
struct CoordinatorTests {
    private let partition = TopicPartition(topic: "t", partition: 0)

    private func harness(nodes: Int = 3, _ change: (inout BrokerConfiguration) -> Void = { _ in }) throws
        -> BrokerHarness
    {
        var configuration = BrokerConfiguration()
        configuration.nodes = nodes
        configuration.transactionMarkerDelay = .milliseconds(5)
        change(&configuration)
        let harness = try BrokerHarness(configuration)
        try harness.makeTopic("t", partitions: 1)
        return harness
    }

    private func coordinator(of id: String, _ harness: BrokerHarness) throws -> (KafkaErrorCode, Int32) {
        let response: FindCoordinator.Response = try harness.ask(
            .findCoordinator, 2, FindCoordinator.Request(keys: [id], keyType: 1))
        let found = try #require(response.coordinators.first)
        return (found.error, found.address.id)
    }

    @Test func `an id belongs to the partition that Java's hash of its text gives`() {
        #expect(TransactionStateTopic.partition(of: "x", count: 50) == 20)
        #expect(TransactionStateTopic.partition(of: "transaction-1", count: 50) == 24)
        // The hash of this text is the smallest number, which has no absolute value.
        #expect(TransactionStateTopic.partition(of: "polygenelubricants", count: 50) == 0)
        #expect(TransactionStateTopic.partition(of: "relay/größe", count: 50) == 17)
    }

    @Test func `other nodes refuse the id's requests, and name the coordinator`() throws {
        let harness = try harness()
        #expect(try coordinator(of: "x", harness) == (.none, 3))
        #expect(try harness.initialize("x", node: 1).error == .notCoordinator)
        let producer = try harness.producer("x")
        #expect(try harness.add([partition], to: "x", producer, node: 2) == [.notCoordinator])
        _ = try harness.add([partition], to: "x", producer)
        #expect(try harness.end("x", producer, commit: true, node: 2) == .notCoordinator)
        #expect(try harness.end("x", producer, commit: true) == .none)
    }

    @Test
    func `a moved coordinator is found, reads its state first, and writes the markers that were missing`() throws {
        let harness = try harness()
        let producer = try harness.producer("x")
        _ = try harness.add([partition], to: "x", producer)
        #expect(try harness.produce(["a"], to: partition, in: "x", producer, sequence: 0) == .none)
        #expect(try harness.end("x", producer, commit: true) == .none)
        #expect(harness.broker.moveTransactionCoordinator(of: "x", to: 2, loading: .milliseconds(300)))
        #expect(try coordinator(of: "x", harness) == (.none, 2))
        #expect(try coordinator(of: "y", harness) == (.none, 21 % 3 + 1), "only this id's coordinator")
        #expect(try harness.end("x", producer, commit: true, node: 3) == .notCoordinator)
        #expect(try harness.end("x", producer, commit: true) == .coordinatorLoadInProgress)
        #expect(try harness.initialize("x").error == .coordinatorLoadInProgress)
        harness.advance(by: 299)
        #expect(try harness.committed(partition) == [], "no marker comes meanwhile")
        harness.advance(by: 2)
        #expect(try harness.committed(partition) == ["a"])
        #expect(try harness.end("x", producer, commit: true) == .none)
        let entry = try #require(harness.broker.partition(partition)?.log.producers.entries[producer.id])
        #expect(entry.coordinatorEpoch == 1, "the marker names the new coordinator's epoch")
    }

    @Test func `moving the leader of the internal topic moves the coordinator`() throws {
        let harness = try harness()
        _ = try harness.producer("x")
        #expect(harness.broker.moveLeader(topic: TransactionStateTopic.name, partition: 20, to: 1))
        #expect(try coordinator(of: "x", harness) == (.none, 1))
        #expect(try harness.initialize("x", node: 3).error == .notCoordinator)
        #expect(try harness.initialize("x", node: 1).error == .none)
    }

    @Test func `while the coordinator loads, records wait; those of an open partition do not`() throws {
        let harness = try harness()
        try harness.makeTopic("u", partitions: 1)
        let other = TopicPartition(topic: "u", partition: 0)
        let producer = try harness.producer("x")
        _ = try harness.add([partition, other], to: "x", producer)
        #expect(try harness.produce(["a"], to: partition, in: "x", producer, sequence: 0) == .none)
        _ = harness.broker.moveTransactionCoordinator(of: nil, to: 1, loading: .milliseconds(50))
        #expect(try harness.produce(["b"], to: partition, in: "x", producer, sequence: 1) == .none)
        #expect(try harness.produce(["c"], to: other, in: "x", producer, sequence: 0) == .notEnoughReplicas)
        harness.advance(by: 50)
        #expect(try harness.produce(["c"], to: other, in: "x", producer, sequence: 0) == .none)
        // Also while it loads nothing gets into a transaction that has ended.
        _ = try harness.end("x", producer, commit: true)
        _ = harness.broker.moveTransactionCoordinator(of: nil, to: 2, loading: .milliseconds(50))
        #expect(try harness.produce(["d"], to: partition, in: "x", producer, sequence: 2) == .notEnoughReplicas)
    }

    @Test func `a timeout waits for a coordinator that loads`() throws {
        let harness = try harness { $0.transactionCheckInterval = .milliseconds(10) }
        let producer = try harness.producer("x", timeout: 100)
        _ = try harness.add([partition], to: "x", producer)
        _ = harness.broker.moveTransactionCoordinator(of: "x", to: 1, loading: .milliseconds(500))
        harness.advance(by: 400)
        #expect(harness.broker.transactions.transactions["x"]?.state == .ongoing)
        harness.advance(by: 200)
        #expect(harness.broker.transactions.transactions["x"]?.state == .completeAbort)
    }

    @Test(arguments: [1, 2, 3])
    func `the internal topic shows as such, on as many nodes as configured`(replicas: Int) throws {
        let harness = try harness { $0.transactionStateReplicationFactor = replicas }
        #expect(try topics(harness).count == 1, "it is made with the first transactional id")
        _ = try coordinator(of: "x", harness)
        let topic = try #require(try topics(harness).first { $0.name == "__transaction_state" })
        #expect(topic.isInternal)
        #expect(topic.replicas.count == 50 && topic.replicas.allSatisfy { $0 == replicas })
        #expect(try topics(harness).contains { $0.name == "t" && !$0.isInternal && $0.replicas == [3] })
    }

    private func topics(_ harness: BrokerHarness) throws -> [(name: String, isInternal: Bool, replicas: [Int])] {
        let response: Metadata.Response = try harness.ask(.metadata, 1, Metadata.Request())
        return response.topics.map { ($0.name ?? "", $0.isInternal, $0.partitions.map(\.replicas.count)) }
    }

    @Test func `clients can ask for the settings of transactions`() throws {
        let harness = try harness { $0.maxTransactionTimeoutMilliseconds = 60_000 }
        _ = try coordinator(of: "x", harness)
        let broker = try configs(4, "1", harness)
        #expect(broker["transaction.max.timeout.ms"] == "60000")
        #expect(broker["transaction.state.log.replication.factor"] == "3")
        #expect(broker["transaction.state.log.min.isr"] == "2")
        #expect(broker["transaction.state.log.num.partitions"] == "50")
        #expect(broker["transaction.abort.timed.out.transaction.cleanup.interval.ms"] == "500")
        let topic = try configs(2, "__transaction_state", harness)
        #expect(topic["cleanup.policy"] == "compact" && topic["min.insync.replicas"] == "2")
    }

    private func configs(_ type: Int8, _ name: String, _ harness: BrokerHarness) throws -> [String: String] {
        let wanted = DescribeConfigs.Wanted(resource: .init(type: type, name: name))
        let response: DescribeConfigs.Response = try harness.ask(
            .describeConfigs, 0, DescribeConfigs.Request(resources: [wanted]))
        let settings = response.answers.flatMap(\.settings)
        return Dictionary(uniqueKeysWithValues: settings.map { ($0.name, $0.value ?? "") })
    }

    @Test func `transactions are listed by their coordinators, and described`() throws {
        let harness = try harness()
        let producer = try harness.producer("x")
        _ = try harness.add([partition], to: "x", producer)
        #expect(try list(harness, node: 3) == ["x Ongoing"])
        #expect(try list(harness, node: 1) == [])
        #expect(try describe("x", harness, node: 3) == "0 Ongoing 60000 \(producer.id) \(producer.epoch) t[0]")
        #expect(try describe("x", harness, node: 1).hasPrefix("16 "))
        #expect(try describe("u", harness, node: 3).hasPrefix("105 "))
        _ = try harness.end("x", producer, commit: true)
        #expect(try list(harness, node: 3) == ["x PrepareCommit"])
        harness.advance(by: 5)
        #expect(try list(harness, node: 3) == ["x CompleteCommit"])
        _ = harness.broker.faults.add(Fault(.refuse(.coordinatorNotAvailable), on: .describeTransactions, count: 1))
        #expect(try describe("x", harness, node: 3).hasPrefix("15 "))
        _ = harness.broker.moveTransactionCoordinator(of: "x", to: 3, loading: .milliseconds(5))
        #expect(try list(harness, node: 3) == ["error 14"])
        #expect(try list(harness, node: 1) == [])
        harness.advance(by: 5)
        #expect(try list(harness, node: 3) == ["x CompleteCommit"])
    }

    private func list(_ harness: BrokerHarness, node: Int32) throws -> [String] {
        let response: ListTransactions.Response = try harness.ask(
            .listTransactions, 0, node: node, ListTransactions.Request())
        guard response.error == .none else { return ["error \(response.error.rawValue)"] }
        return response.transactions.map { "\($0.id) \($0.state)" }
    }

    private func describe(_ id: String, _ harness: BrokerHarness, node: Int32) throws -> String {
        let response: DescribeTransactions.Response = try harness.ask(
            .describeTransactions, 0, node: node, DescribeTransactions.Request(transactionalIDs: [id]))
        let answer = try #require(response.answers.first)
        let topics = answer.topics.map { "\($0.name)\($0.partitions)" }.joined()
        let producer = answer.producer
        return "\(answer.error.rawValue) \(answer.state) \(answer.timeoutMilliseconds) \(producer.id) "
            + "\(producer.epoch) \(topics)"
    }
}
