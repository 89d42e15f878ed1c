import Kafka
import KafkaTestBroker
import TestSupport
import Testing

@Suite("Transactions of librdkafka")
struct TransactionalClientTests {
    private static func withBroker(
        nodes: Int = 1, _ body: (_ kafka: TestKafka, _ broker: KafkaTestBroker) async throws -> Void
    ) async throws {
        var configuration = BrokerConfiguration()
        configuration.nodes = nodes
        configuration.autoCreateTopics = false
        configuration.transactionMarkerDelay = .milliseconds(5)
        let broker = try await KafkaTestBroker.start(configuration)
        do {
            try await body(TestKafka(bootstrapServers: broker.bootstrapServers), broker)
        } catch {
            await broker.stop()
            throw error
        }
        await broker.stop()
    }

    private static let kinds: [RequestKind] = [.initProducerID, .addPartitionsToTxn, .endTxn, .produce]
    private static let actions: [Fault.Action] = [
        .refuse(.notCoordinator), .refuse(.coordinatorLoadInProgress), .applyThenRefuse(.notCoordinator), .dropAnswer,
        .disconnect, .delayMarkers(.milliseconds(300)),
    ]

    @Test(arguments: kinds, actions)
    func `a reader of committed data sees each committed record once, whatever strikes`(
        kind: RequestKind, action: Fault.Action
    ) async throws {
        try await Self.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 2)
            await broker.inject(Fault(action, on: kind, transactionalID: "x", skip: 1, count: 2))
            var client = try TransactionalClient(kafka.bootstrapServers, id: "x")
            #expect(await Self.repeated { await client.initialize() } == .done)
            var committed: [String] = []
            for number in 0..<6 {
                let outcome = await Self.transaction(client, "\(number)", commit: number % 3 != 2, topic: topic)
                if outcome == .done, number % 3 != 2 { committed.append("\(number)") }
                if outcome == .abortable { #expect(await Self.repeated { await client.abort() } != .retriable) }
                if outcome == .fatal || number == 3 {
                    client = try TransactionalClient(kafka.bootstrapServers, id: "x")
                    #expect(await Self.repeated { await client.initialize() } == .done)
                }
            }
            #expect(committed.count >= 2, "most transactions get through")
            let expected = committed
            try await eventually("not all committed records show") {
                let records = try await kafka.readAll([topic])
                return (0..<2).allSatisfy { partition in
                    expected
                        == records.filter { $0.partition == partition }.map { record in
                            record.value.map { String(decoding: $0, as: UTF8.self) } ?? ""
                        }
                }
            }
        }
    }

    private static func transaction(
        _ client: TransactionalClient, _ value: String, commit: Bool, topic: String
    ) async -> TransactionalClient.Outcome {
        let begun = await client.begin()
        guard begun == .done else { return begun }
        for partition in 0..<2 as Range<Int32> {
            guard client.produce(value, topic: topic, partition: partition) else { return .abortable }
        }
        return await repeated { commit ? await client.commit() : await client.abort() }
    }

    private static func repeated(
        _ call: () async -> TransactionalClient.Outcome
    ) async -> TransactionalClient.Outcome {
        for _ in 0..<5 {
            let outcome = await call()
            if outcome != .retriable { return outcome }
        }
        return .retriable
    }

    @Test func `a coordinator that moves between any two requests is found`() async throws {
        try await Self.withBroker(nodes: 3) { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 2)
            let client = try TransactionalClient(kafka.bootstrapServers, id: "x")
            #expect(await client.initialize() == .done)
            for number in 0..<3 {
                let node = await broker.transactionCoordinator(of: "x") ?? 1
                #expect(
                    await broker.moveTransactionCoordinator(of: "x", to: node % 3 + 1, loading: .milliseconds(100)))
                #expect(await client.begin() == .done)
                for partition in 0..<2 as Range<Int32> {
                    #expect(client.produce("\(number)", topic: topic, partition: partition))
                }
                await client.flush()
                #expect(await broker.moveTransactionCoordinator(of: "x", to: node, loading: .milliseconds(50)))
                #expect(await Self.repeated { await client.commit() } == .done)
            }
            try await eventually("not all committed records show") {
                let records = try await kafka.readAll([topic])
                return records.count == 6
            }
        }
    }

    @Test func `a successor fences the former producer, whose open transaction never shows`() async throws {
        try await Self.withBroker { kafka, _ in
            let topic = try await kafka.makeTopic(partitions: 2)
            let former = try TransactionalClient(kafka.bootstrapServers, id: "x")
            #expect(await former.initialize() == .done)
            #expect(await former.begin() == .done)
            #expect(former.produce("former", topic: topic, partition: 0))
            await former.flush()
            let successor = try TransactionalClient(kafka.bootstrapServers, id: "x")
            #expect(await successor.initialize() == .done)
            #expect(await former.commit() == .fatal)
            #expect(await Self.transaction(successor, "successor", commit: true, topic: topic) == .done)
            try await eventually("the successor's records do not show") {
                let records = try await kafka.readAll([topic])
                return records.count == 2
                    && records.allSatisfy { $0.value.map { String(decoding: $0, as: UTF8.self) } == "successor" }
            }
        }
    }
}
