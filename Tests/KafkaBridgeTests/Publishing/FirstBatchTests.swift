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
    /// Refuses the first request a second after it came: by then the next one is on its way.
    private func refuse(_ broker: KafkaTestBroker) async -> Int {
        await broker.inject(Fault(.refuse(KafkaErrorCode(.notEnoughReplicas)), on: .produce, count: 1))
        return await broker.inject(Fault(.delay(.seconds(1)), on: .produce, count: 1))
    }

    private func expectBoth(
        _ first: FeedBatch, _ second: FeedBatch, by publisher: KafkaPublisher, _ broker: KafkaTestBroker, _ fault: Int
    ) async throws {
        async let delivered: Void = publisher.deliver(first)
        try await eventually("the first request never came") { await broker.hits(ofFault: fault) == 1 }
        try await deadline { try await publisher.deliver(second) }
        try await delivered
    }

    @Test func `a refused first batch is not lost`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let fault = await refuse(broker)
            let publisher = try kafka.publisher(topic, .mustExist)
            try await expectBoth(
                try await EventRows.numbered(0..<20), try await EventRows.numbered(20..<100), by: publisher, broker,
                fault)
            await publisher.close()
            let records = try await kafka.readAll([topic])
            expectAll(records, 100)
            #expect(records.count == 100)
        }
    }
}
