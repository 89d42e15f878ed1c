import Consumers
import EventSourcing
import Kafka
import KafkaTestBroker
import TestSupport
import Testing

@testable import KafkaBridge

/// A broker accepts the first batch of a producer it does not know at any sequence. These are the faults that ``FirstBatchGate``
/// is made for: the first batch is refused before anything of it is written, and the second one, already on its way, is taken.
@Suite(.onEmbeddedBroker) struct FirstBatchTests {
    private static let smallRequests = ["batch.num.messages": "20", "linger.ms": "50"]

    /// Refuses the first request, after the client had the time to send the next ones behind it.
    private func refuseFirstRequest(_ broker: KafkaTestBroker) async {
        await broker.inject(Fault(.delay(.milliseconds(100)), on: .produce, count: 1))
        await broker.inject(Fault(.refuse(KafkaErrorCode(.notEnoughReplicas)), on: .produce, count: 1))
    }

    @Test func aRefusedFirstBatchIsNotLost() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            await refuseFirstRequest(broker)
            let publisher = try kafka.publisher(topic, .mustExist, properties: Self.smallRequests)
            try await deadline { try await publisher.deliver(try await EventRows.numbered(0..<100)) }
            await publisher.close()
            let records = try await kafka.readAll([topic])
            expectAll(records, 100)
            #expect(records.count == 100)
        }
    }

    /// A run that takes the place of a failed one begins with the gate closed, as its producer is new to the broker.
    @Test func neitherIsThatOfALaterRun() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let publisher = try kafka.publisher(topic, .mustExist, properties: Self.smallRequests)
            try await publisher.deliver(try await EventRows.numbered(0..<10))
            // Ends the run; the first request of the next one is the second to come.
            let faults = [
                Fault(.refuse(KafkaErrorCode(.topicAuthorizationFailed)), on: .produce, count: 1),
                Fault(.delay(.milliseconds(100)), on: .produce, skip: 1, count: 1),
                Fault(.refuse(KafkaErrorCode(.notEnoughReplicas)), on: .produce, skip: 1, count: 1),
            ]
            for fault in faults { await broker.inject(fault) }
            try await deadline { try await publisher.deliver(try await EventRows.numbered(10..<30)) }
            try await deadline { try await publisher.deliver(try await EventRows.numbered(30..<110)) }
            await publisher.close()
            expectAll(try await kafka.readAll([topic]), 110)
        }
    }

    /// Why there is a gate at all. If this does not hold with a newer librdkafka, it has learnt to notice.
    @Test func withoutTheGateTheClientTakesALostBatchForDelivered() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            await refuseFirstRequest(broker)
            let producer = try Producer(kafka.client(Self.smallRequests), logger: quiet)
            let handle = try await producer.prepare([topic])[0]
            let events = try await EventRows.numbered(0..<100)
            let items = (events.events?.indices ?? 0..<0).map {
                EventRecordSource.Item(row: $0, topic: handle, partition: 0, key: nil)
            }
            let source = EventRecordSource(
                try #require(events.events), items, Route(topic: try TopicTemplate(topic)))
            let batch = await producer.produce(source)
            #expect(try await deadline { await batch.settled() }.isDelivered)
            await producer.close()
            let records = try await kafka.readAll([topic])
            #expect(records.count == 80)
            #expect(records.first?.header("global_position") == "21")
        }
    }
}
