import Consumers
import EventSourcing
import Kafka
import KafkaTestBroker
import Postgres
import TestSupport
import Testing

@testable import KafkaBridge

/// Exactly-once delivery through real tables and a broker, as a reader of committed records sees it.
@Suite(.timeLimit(.minutes(2))) struct ExactlyOnceTests {
    @Test func `each event is delivered once, and its progress with it`() async throws {
        try await PoisonFixture.with { place in
            let once = try ExactlyOnceFixture(place)
            try await once.relaying { _ in
                try await once.appendEvents(300)
                try await place.waitForCheckpoints(300)
            }
            #expect(try await once.committed() == Array(1...300))
            let progress = try await once.progress()
            #expect(progress.keys.sorted() == [0, 1])
            #expect(progress.values.compactMap(\.last?.position).max() == 300)
        }
    }

    @Test func `a relay that is gone in the middle of it, again and again, doubles nothing`() async throws {
        try await PoisonFixture.with { place in
            let once = try ExactlyOnceFixture(place)
            async let appended: Void = once.appendEvents(2_000)
            for round in 1...6 {
                let relay = try once.relay("relay-\(round)")
                try await once.waitForCommitted(250 * round)
                await relay.kill()
            }
            try await appended
            try await once.relaying { _ in try await place.waitForCheckpoints(2_000) }
            #expect(try await once.committed() == Array(1...2_000))
        }
    }

    @Test func `a former owner whose transaction is open is fenced, and commits nothing more`() async throws {
        try await PoisonFixture.with { place in
            let once = try ExactlyOnceFixture(place)
            try await once.relaying { _ in
                try await once.appendEvents(50)
                try await place.waitForCheckpoints(50)
            }
            // A producer with the recorded id, as that of a process that was stopped in the middle of a transaction.
            let id = try await once.owner(of: 0, or: "relay")
            var client = place.kafka.client()
            client.transactions = TransactionSettings(id: id)
            let former = try TransactionalProducer(client, logger: quiet)
            try await former.initialize()
            let topics = try await former.producer.prepare([place.topic])
            try await once.record(owner: id)
            _ = await former.producer.produce(StrayRecord(in: topics[0]))
            try await once.relaying { _ in
                try await once.appendEvents(50)
                try await place.waitForCheckpoints(100)
            }
            await #expect(throws: KafkaError.self) { try await former.commit() }
            await former.producer.close()
            #expect(try await once.committed() == Array(1...100))
        }
    }
}

/// A record that must not become visible.
private final class StrayRecord: RecordSource {
    private let topic: TopicHandle
    let count = 1

    init(in topic: TopicHandle) { self.topic = topic }

    func fill(_ index: Int, _ record: inout RecordWriter) {
        record.topic(topic)
        record.partition(0)
        record.value(copying: Array("stray".utf8).span.bytes)
    }
}
