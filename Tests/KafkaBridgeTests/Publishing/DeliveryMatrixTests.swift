import Consumers
import Kafka
import KafkaTestBroker
import TestSupport
import Testing

@testable import KafkaBridge

/// What goes wrong with a produce request, on a broker that keeps Kafka's rules for sequences.
@Suite(.timeLimit(.minutes(5))) struct DeliveryMatrixTests {
    /// Every error a produce request is answered with, before the append and after it, and every way to lose an
    /// answer, on the 1st, 2nd and 5th request, with five under way: nothing is lost, first occurrences stay in order,
    /// doubles are bounded by what was under way, and a success means that the record is in the log.
    @Test(
        arguments: [
            "NOT_LEADER_OR_FOLLOWER", "NOT_ENOUGH_REPLICAS", "NOT_ENOUGH_REPLICAS_AFTER_APPEND", "REQUEST_TIMED_OUT",
            "LEADER_NOT_AVAILABLE", "KAFKA_STORAGE_ERROR", "CORRUPT_MESSAGE", "UNKNOWN_TOPIC_OR_PARTITION",
            "NETWORK_EXCEPTION", "TOPIC_AUTHORIZATION_FAILED", "MESSAGE_TOO_LARGE", "INVALID_RECORD",
            "INVALID_TIMESTAMP", "OUT_OF_ORDER_SEQUENCE_NUMBER", "DUPLICATE_SEQUENCE_NUMBER", "UNKNOWN_PRODUCER_ID",
            "INVALID_PRODUCER_EPOCH", "UNKNOWN_SERVER_ERROR", "POLICY_VIOLATION",
        ], [1, 2, 5])
    func `every error is survived`(_ name: String, _ request: Int) async throws {
        let code = try #require(KafkaErrorCode.named[name])
        // A broker says "duplicate" only of what it has.
        if name != "DUPLICATE_SEQUENCE_NUMBER" {
            try await survive(Fault(.refuse(code), on: .produce, skip: request - 1, count: 1))
        }
        try await survive(Fault(.applyThenRefuse(code), on: .produce, skip: request - 1, count: 1))
    }

    @Test(
        arguments: [
            Fault.Action.dropAnswer, .disconnect, .disconnectMidFrame, .delay(.milliseconds(50)),
        ], [1, 2, 5])
    func `every lost answer is survived`(_ action: Fault.Action, _ request: Int) async throws {
        try await survive(Fault(action, on: .produce, skip: request - 1, count: 1))
    }

    /// Faults one after the other, at random.
    @Test(arguments: 0..<12) func `many faults are survived`(_ seed: Int) async throws {
        var random = Seeded(UInt64(seed))
        let refusals = [
            "NOT_ENOUGH_REPLICAS", "NOT_LEADER_OR_FOLLOWER", "OUT_OF_ORDER_SEQUENCE_NUMBER",
            "TOPIC_AUTHORIZATION_FAILED", "REQUEST_TIMED_OUT", "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
        ].compactMap { KafkaErrorCode.named[$0] }
        let actions: [Fault.Action] =
            [.dropAnswer, .disconnect, .disconnectMidFrame]
            + refusals.flatMap { [Fault.Action.refuse($0), .applyThenRefuse($0)] }
        var faults: [Fault] = []
        for _ in 0..<6 {
            let action = actions[Int.random(in: 0..<actions.count, using: &random)]
            faults.append(Fault(action, on: .produce, skip: Int.random(in: 0..<15, using: &random), count: 1))
        }
        try await survive(faults)
    }

    @Test func `losing the producer's state is survived`() async throws {
        let broker = try await KafkaTestBroker.start()
        let test = try await DeliveryTest(broker, partitions: 2)
        for round in 0..<4 {
            try await test.publish(100)
            if round % 2 == 1 { await broker.loseProducerState() }
        }
        try await test.check()
        await broker.stop()
    }

    @Test func `a moved leader is followed`() async throws {
        var configuration = BrokerConfiguration()
        configuration.nodes = 2
        let broker = try await KafkaTestBroker.start(configuration)
        let test = try await DeliveryTest(broker, partitions: 2)
        for round in 0..<6 {
            try await test.publish(50)
            _ = await broker.moveLeader(ofTopic: test.topic, to: Int32(round % 2) + 1)
        }
        try await test.check()
        await broker.stop()
    }

    @Test func `a frozen broker is waited for`() async throws {
        let broker = try await KafkaTestBroker.start()
        let test = try await DeliveryTest(broker, partitions: 2)
        try await test.publish(50)
        await broker.freeze()
        try await test.hand(100)
        await broker.thaw()
        try await test.check()
        await broker.stop()
    }

    private func survive(_ faults: Fault...) async throws { try await survive(faults) }

    private func survive(_ faults: [Fault]) async throws {
        let broker = try await KafkaTestBroker.start()
        let test = try await DeliveryTest(broker, partitions: 2)
        // Answers take a while, so that requests wait for them side by side.
        _ = await broker.inject(Fault(.delay(.milliseconds(3)), on: .produce))
        for fault in faults { _ = await broker.inject(fault) }
        for _ in 0..<3 { try await test.hand(100) }
        try await test.check()
        await broker.stop()
    }
}

/// One publisher, one topic, and what has to hold at the end.
final class DeliveryTest {
    let topic: String
    private let kafka: TestKafka
    private let publisher: KafkaPublisher
    private var published: [(FeedBatch, Publication)] = []
    private var count = 0

    init(_ server: KafkaTestBroker, partitions: Int) async throws {
        // A request for each record, so that five are under way: librdkafka sends no further one to a partition while
        // five records, not requests, are on their way to it.
        kafka = TestKafka(bootstrapServers: server.bootstrapServers)
        topic = kafka.uniqueTopic()
        publisher = try kafka.publisher(
            topic, .create(partitions: partitions), properties: ["batch.num.messages": "1", "max.in.flight": "5"])
        try await publisher.prepare()
        try await publisher.serve([ServedSegment(segment: 0, checkpoint: 0, epoch: 1, attempt: 0)])
    }

    /// Hands events over.
    func hand(_ events: Int) async throws {
        let batch = try await EventRows.numbered(count..<(count + events), aggregates: 7)
        count += events
        published.append((batch, try await publisher.publish(batch)))
    }

    /// Hands events over and waits for their acknowledgement.
    func publish(_ events: Int) async throws {
        try await hand(events)
        try await acknowledge()
    }

    private func acknowledge() async throws {
        let waiting = published
        published = []
        try await deadline { [publisher] in try await publisher.finish(waiting) }
    }

    func check() async throws {
        try await acknowledge()
        #expect(publisher.status == .flowing)
        await publisher.close()
        let records = try await kafka.readAll([topic])
        let positions = records.compactMap { $0.header("global_position").flatMap(Int.init) }
        #expect(Set(positions).count == count, "lost: \(Set(1...count).subtracting(positions).sorted())")
        #expect(records.count <= count * 2)
        expectOrder(records)
    }
}
