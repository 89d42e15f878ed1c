import Consumers
import Kafka
import KafkaTestBroker
import TestSupport
import Testing

@testable import KafkaBridge

/// A caller that hands batches over may be cancelled at any time, and hand them over again later.
@Suite(.onEmbeddedBroker) struct PublisherCancellationTests {
    @Test func `what was cancelled is forgotten and taken again`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let publisher = try kafka.publisher(
                topic, .mustExist, properties: ["queue.buffering.max.messages": "10"])
            try await publisher.deliver(try await EventRows.numbered(0..<5))
            await broker.takeDown()
            // Fills the queue, so that feeding waits.
            let first = try await EventRows.numbered(5..<105)
            let second = try await EventRows.numbered(105..<110)
            let publication = try await publisher.publish(first)
            try await eventually("the queue does not fill") { publisher.queueLength >= 10 }
            let waiting = Task { try await publication.acknowledged() }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await deadline { try await waiting.value } }
            await broker.bringUp()
            try await publisher.serve([Self.anew])
            let again = try await deadline { try await publisher.publish(first) }
            let later = try await deadline { try await publisher.publish(second) }
            try await deadline { try await again.acknowledged() }
            try await deadline { try await later.acknowledged() }
            await publisher.close()
            let records = try await kafka.readAll([topic])
            #expect(Set(records.compactMap { $0.header("global_position") }).count == 110)
            expectOrder(records)
        }
    }

    @Test func `nothing overtakes what was cancelled`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 2)
            let publisher = try kafka.publisher(topic, .mustExist)
            try await publisher.deliver(try await EventRows.numbered(0..<5))
            await broker.takeDown()
            let batches = [
                try await EventRows.numbered(5..<50), try await EventRows.numbered(50..<100),
                try await EventRows.numbered(100..<110),
            ]
            let first = try await publisher.publish(batches[0])
            _ = try await publisher.publish(batches[1])
            let waiting = Task { try await first.acknowledged() }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await deadline { try await waiting.value } }
            await broker.bringUp()
            // Given up at once, and to be handed over again.
            let third = try await publisher.publish(batches[2])
            try await deadline { try await third.acknowledged() }
            let early = try await kafka.readAll([topic])
            // What the client has already may still be sent, in order; what came behind it may not.
            #expect(!early.contains { position($0) > 100 })
            try await publisher.serve([Self.anew])
            for batch in batches { try await deadline { try await publisher.deliver(batch) } }
            await publisher.close()
            let records = try await kafka.readAll([topic])
            let all = Set(records.map(position))
            #expect(all.count == 110)
            expectOrder(records)
            for partition in 0..<2 as Range<Int32> {
                let sent = Set(early.filter { $0.partition == partition }.map(position))
                let due = Set(records.filter { $0.partition == partition }.map(position)).sorted()
                #expect(sent == Set(due.prefix(sent.count)), "something was left out before \(sent.max() ?? 0)")
            }
        }
    }

    private func position(_ record: ConsumedRecord) -> Int64 { Int64(record.header("global_position") ?? "") ?? 0 }

    /// The segment of all events, as it begins anew.
    private static let anew = ServedSegment(segment: 0, checkpoint: 0, epoch: 1, attempt: 1)
}
