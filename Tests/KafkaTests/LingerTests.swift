import KafkaTestBroker
import TestSupport
import Testing

@testable import Kafka

/// Records wait for more only where more follows at once. They would wait for a minute here.
@Suite(.onEmbeddedBroker, .timeLimit(.minutes(1))) struct LingerTests {
    private func withProducer(
        _ properties: [String: String] = [:],
        _ body: (Producer, TopicHandle, _ requests: () async -> Int) async throws -> Void
    ) async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let counter = await broker.inject(Fault(.delay(.zero), on: .produce, topic: topic))
            var client = kafka.client(properties)
            client.lingerUnderLoad = .seconds(60)
            let producer = try Producer(client, logger: quiet)
            try await body(producer, try await producer.prepare([topic])[0]) { await broker.hits(ofFault: counter) }
            await producer.close()
        }
    }

    private func feed(
        _ producer: Producer, _ handle: TopicHandle, _ range: Range<Int>, moreFollows: Bool
    ) async -> Batch {
        let source = Numbers(handle, range)
        let batch = producer.open(source)
        #expect(await producer.feed(batch, from: source, indices: 0..<range.count))
        producer.endFeeding(batch, moreFollows: moreFollows)
        return batch
    }

    @Test func `what more follows goes together with it`() async throws {
        try await withProducer { producer, handle, requests in
            var batches: [Batch] = []
            for start in [0, 10, 20] {
                batches.append(await feed(producer, handle, start..<(start + 10), moreFollows: true))
            }
            #expect(producer.queueLength == 30)
            #expect(await requests() == 0)
            batches.append(await feed(producer, handle, 30..<31, moreFollows: false))
            for batch in batches { #expect(await batch.settled().isDelivered) }
            #expect(await requests() == 1)
            // And again, by itself.
            #expect(await feed(producer, handle, 31..<32, moreFollows: false).settled().isDelivered)
        }
    }

    @Test func `who says how long records linger is respected`() async throws {
        try await withProducer(["linger.ms": "1000"]) { producer, handle, requests in
            let first = await feed(producer, handle, 0..<1, moreFollows: false)
            let second = await feed(producer, handle, 1..<2, moreFollows: false)
            #expect(await first.settled().isDelivered)
            #expect(await second.settled().isDelivered)
            #expect(await requests() == 1)
        }
    }
}
