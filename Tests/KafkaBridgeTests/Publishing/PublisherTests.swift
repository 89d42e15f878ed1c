import Consumers
import EventSourcing
import Foundation
import KafkaTestBroker
import Logging
import TestSupport
import Testing

@testable import Kafka
@testable import KafkaBridge

@Suite struct PublisherTests {
    @Test func `an event becomes the record the manual describes`() async throws {
        let kafka = try await TestKafka()
        let topic = kafka.uniqueTopic()
        let id = UUID()
        let batch = try await EventRows.batch(
            """
            SELECT 42::bigint, 'Identity', 'User', 'user-7', 3::bigint, '\(id)'::uuid, 'UserRegistered', 2::int4,
                '\\x00ff7b7d'::bytea, 'trace-1', 'corr-1', NULL::text, '{}'::jsonb, '2023-11-14 22:13:20.123456Z'::timestamptz
            """)
        let publisher = try kafka.publisher(topic, .create(partitions: 1))
        try await publisher.deliver(batch)
        await publisher.close()

        let records = try await kafka.readAll([topic])
        try #require(records.count == 1)
        #expect(records[0].key == Array("user-7".utf8))
        #expect(records[0].value == [0, 255, 0x7b, 0x7d])
        #expect(records[0].timestamp == 1_700_000_000_123)
        let headers = records[0].headers.map { "\($0.name)=\(String(decoding: $0.value ?? [], as: UTF8.self))" }
        #expect(
            headers == [
                "event_id=\(id.uuidString.lowercased())", "event_type=UserRegistered", "event_version=2",
                "bounded_context=Identity", "aggregate_type=User", "aggregate_id=user-7", "aggregate_version=3",
                "global_position=42", "created_at=2023-11-14T22:13:20.123456Z", "trace_id=trace-1",
                "correlation_id=corr-1",
            ])
    }

    /// Records would linger for a minute.
    @Test(.onEmbeddedBroker, .timeLimit(.minutes(1))) func `only behind full batches records linger`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let counter = await broker.inject(Fault(.delay(.zero), on: .produce, topic: topic))
            var client = kafka.client()
            client.lingerUnderLoad = .seconds(60)
            let publisher = KafkaPublisher(
                KafkaPublisherOptions(name: "test", client: client, route: Route(topic: try TopicTemplate(topic))),
                logger: quiet)
            // Behind what is acknowledged, nothing is sent at once any more.
            try await publisher.deliver(EventRows.numbered(0..<1))
            let producer = try #require(await publisher.instance?.producer)
            try await eventually("sending never ends") { producer.lingerBreaker?.isAtRest == true }
            var publications: [Publication] = []
            for start in [2, 12, 22] {
                let rows = EventRows.sql("g", rows: start...(start + 9))
                publications.append(try await publisher.publish(EventRows.batch(rows, isFull: true)))
            }
            #expect(await broker.hits(ofFault: counter) == 1)
            #expect(producer.queueLength == 30)
            publications.append(try await publisher.publish(EventRows.numbered(31..<32)))
            for publication in publications { try await publication.acknowledged() }
            #expect(await broker.hits(ofFault: counter) == 2)
            await publisher.close()
        }
    }

    @Test(.timeLimit(.minutes(2))) func `partitions that are added are reported and leave the order`() async throws {
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic(partitions: 2)
        let log = CapturedLog()
        var options = KafkaPublisherOptions(
            name: "test", client: kafka.client(), route: Route(topic: try TopicTemplate(topic)))
        options.partitionLookInterval = .zero
        let publisher = KafkaPublisher(options, logger: log.logger)
        try await publisher.deliver(EventRows.numbered(0..<100))
        #expect(!log.lines.contains { $0.contains("partitions") }, "\(log.lines)")
        let admin = try Admin(kafka.client(), logger: quiet)
        try await admin.addPartitions(to: topic, total: 5)
        var next = 100
        try await eventually("nothing is reported") {
            try await publisher.deliver(EventRows.numbered(next..<(next + 100)))
            next += 100
            return log.lines.contains { $0.contains("another number of partitions") }
        }
        try await publisher.deliver(EventRows.numbered(next..<(next + 100)))
        await publisher.close()
        await admin.close()
        let records = try await kafka.readAll([topic])
        #expect(records.count == next + 100)
        #expect(Set(records.map(\.partition)) == [0, 1])
        #expect(log.lines.count { $0.contains("another number of partitions") } == 1, "\(log.lines)")
    }

    /// Brokers hear of a new topic a moment after it was made.
    @Test(.onEmbeddedBroker, .timeLimit(.minutes(1))) func `a topic that was just made is not called missing`()
        async throws
    {
        try await TestKafka.withBroker { kafka, broker in
            let topic = kafka.uniqueTopic()
            let fault = await broker.inject(
                Fault(.refuse(KafkaErrorCode(.unknownTopicOrPartition)), on: .metadata, topic: topic, count: 12))
            let log = CapturedLog()
            let publisher = try kafka.publisher(topic, .create(partitions: 1), logger: log.logger)
            try await publisher.deliver(EventRows.numbered(0..<10))
            #expect(await broker.hits(ofFault: fault) == 12)
            #expect(log.lines.count { $0.contains("created the topic") } == 1, "\(log.lines)")
            #expect(!log.lines.contains { $0.contains("refused") }, "\(log.lines)")
            await publisher.close()
        }
    }

    @Test func `events go to their topics in order`() async throws {
        let kafka = try await TestKafka()
        let prefix = kafka.uniqueTopic()
        let publisher = try kafka.publisher("\(prefix).{bounded_context|lower}", .create(partitions: 3))
        var publications: [Publication] = []
        for start in [0, 1_000, 2_000] {
            let batch = try await EventRows.numbered(start..<(start + 1_000), contexts: 3, aggregates: 40)
            publications.append(try await publisher.publish(batch))
        }
        for publication in publications { try await publication.acknowledged() }
        #expect(publisher.status == .flowing)
        await publisher.close()
        var all: [ConsumedRecord] = []
        for context in 0..<3 {
            let records = try await kafka.readAll(["\(prefix).context\(context)"])
            expectOrder(records)
            all += records
        }
        #expect(Set(all.compactMap { $0.header("global_position") }).count == 3_000)
        #expect(all.count == 3_000)
    }

    @Test func `an event that has no topic halts its segment behind all before it`() async throws {
        let kafka = try await TestKafka()
        let prefix = kafka.uniqueTopic()
        let publisher = try kafka.publisher(
            "\(prefix).{bounded_context}", .create(partitions: 1), allowed: ["*.context0"])
        let batch = try await EventRows.batch(
            EventRows.sql("g", rows: 1...9, context: "CASE WHEN g = 6 THEN 'other' ELSE 'context0' END"),
            segment: { Int($0.globalPosition) % 2 })
        let halts = try await publisher.publish(batch).outcome().halts
        #expect(halts.map(\.segment) == [0] && halts.map(\.position) == [6])
        #expect(halts.first?.reason.contains("topics_allowed") == true)
        #expect(publisher.status == .halted(halts))
        // What comes later of the segment waits; the other goes on.
        let later = try await EventRows.batch(
            EventRows.sql("g", rows: 10...13), segment: { Int($0.globalPosition) % 2 })
        #expect(try await publisher.publish(later).outcome().halts == halts)
        await publisher.close()
        let positions = try await kafka.readAll(["\(prefix).context0"]).map { $0.header("global_position") }
        #expect(positions == ["1", "2", "3", "4", "5", "7", "9", "11", "13"])
    }

    @Test func `a segment that begins anew is tried again`() async throws {
        let kafka = try await TestKafka()
        let prefix = kafka.uniqueTopic()
        let publisher = try kafka.publisher(
            "\(prefix).{bounded_context}", .create(partitions: 1), allowed: ["*.context0"])
        func serve(attempt: Int) async throws {
            try await publisher.serve([ServedSegment(segment: 0, checkpoint: 0, epoch: 1, attempt: attempt)])
        }
        try await serve(attempt: 0)
        let bad = try await EventRows.batch(
            EventRows.sql("g", rows: 1...3, context: "CASE WHEN g = 2 THEN 'other' ELSE 'context0' END"))
        let halts = try await publisher.publish(bad).outcome().halts
        #expect(halts.map(\.position) == [2])
        try await serve(attempt: 1)
        // An attempt is no success yet.
        #expect(publisher.status == .halted(halts))
        #expect(try await publisher.publish(bad).outcome().halts == halts)
        try await serve(attempt: 2)
        let fixed = try await EventRows.batch(EventRows.sql("g", rows: 2...3))
        #expect(try await publisher.publish(fixed).outcome() == .done)
        #expect(publisher.status == .flowing)
        await publisher.close()
        let positions = try await kafka.readAll(["\(prefix).context0"]).map { $0.header("global_position") }
        #expect(positions == ["1", "1", "2", "3"])
    }

    @Test func `an event that is too large halts before the client sees it`() async throws {
        let kafka = try await TestKafka()
        let topic = kafka.uniqueTopic()
        let publisher = try kafka.publisher(topic, .create(partitions: 1))
        let batch = try await EventRows.batch(
            EventRows.sql("g", rows: 1...3, payload: "repeat('x', CASE g WHEN 2 THEN 1100000 ELSE 900000 END)"))
        let halts = try await publisher.publish(batch).outcome().halts
        #expect(halts.map(\.position) == [2])
        await publisher.close()
        #expect(try await kafka.readAll([topic]).map { $0.value?.count } == [900_000])
    }
}

/// Per aggregate, first occurrences come in ascending order of positions.
func expectOrder(_ records: [ConsumedRecord]) {
    var last: [[UInt8]: Int64] = [:]
    var seen: Set<Int64> = []
    for record in records {
        guard let position = record.header("global_position").flatMap(Int64.init), let key = record.key else {
            Issue.record("a record without position or key")
            continue
        }
        guard seen.insert(position).inserted else { continue }
        #expect(position > last[key] ?? 0)
        last[key] = position
    }
}

/// So many events are there, each at least once and in order.
func expectAll(_ records: [ConsumedRecord], _ count: Int) {
    #expect(Set(records.compactMap { $0.header("global_position") }).count == count)
    expectOrder(records)
}
