import Consumers
import Kafka
import KafkaTestBroker
import TestSupport
import Testing

@testable import KafkaBridge

/// What costs no more than it has to, while several requests are in flight.
@Suite(.onEmbeddedBroker) struct RequestFaultTests {
    /// Several requests for each batch, so that some are in flight behind the one that fails.
    private static let smallRequests = ["batch.num.messages": "20"]

    @Test func `leaders that move cost nothing`() async throws {
        try await TestKafka.withBroker(nodes: 3) { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 3)
            let publisher = try kafka.publisher(topic, .mustExist, properties: Self.smallRequests)
            for round in 0..<9 {
                let publication = try await publisher.publish(
                    try await EventRows.numbered((round * 100)..<(round * 100 + 100)))
                #expect(await broker.moveLeader(ofTopic: topic, to: Int32(round % 3) + 1))
                try await deadline { try await publication.acknowledged() }
            }
            await publisher.close()
            let records = try await kafka.readAll([topic])
            expectAll(records, 900)
            #expect(records.count == 900)
        }
    }

    /// The broker forgets who wrote what; a batch whose answer was lost comes again, and it cannot know that.
    @Test func `lost producer state doubles at most what was under way`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 2)
            let publisher = try kafka.publisher(topic, .mustExist, properties: Self.smallRequests)
            try await publisher.deliver(try await EventRows.numbered(0..<100))
            for round in 1...5 {
                let fault = await broker.inject(Fault(.hang, on: .produce, count: 1))
                let publication = try await publisher.publish(
                    try await EventRows.numbered((round * 100)..<(round * 100 + 100)))
                // Written and not answered; what follows waits behind it.
                try await eventually("the request never came") { await broker.hits(ofFault: fault) == 1 }
                await broker.loseProducerState(topic: topic)
                await broker.disconnectAll()
                try await deadline { try await publication.acknowledged() }
            }
            await publisher.close()
            let records = try await kafka.readAll([topic])
            expectAll(records, 600)
            #expect(records.count > 600, "nothing came twice: the state was not lost")
            #expect(records.count <= 600 + 5 * 20, "one request each time")
        }
    }
}
