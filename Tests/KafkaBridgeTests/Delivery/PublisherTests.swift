import Consumers
import EventSourcing
import Foundation
import Kafka
import Logging
import TestSupport
import Testing

@testable import KafkaBridge

@Suite struct PublisherTests {
    @Test func anEventBecomesTheRecordTheManualDescribes() async throws {
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

    @Test func eventsGoToTheirTopicsInOrder() async throws {
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

    @Test func anEventThatHasNoTopicHaltsBehindAllBeforeIt() async throws {
        let kafka = try await TestKafka()
        let prefix = kafka.uniqueTopic()
        let publisher = try kafka.publisher(
            "\(prefix).{bounded_context}", .create(partitions: 1), allowed: ["*.context0"])
        let batch = try await EventRows.batch(
            EventRows.sql("g", rows: 1...9, context: "CASE WHEN g = 6 THEN 'other' ELSE 'context0' END"))
        let publication = try await publisher.publish(batch)
        let halted = await #expect(throws: PublicationHalted.self) { try await publication.acknowledged() }
        #expect(halted?.position == 6)
        #expect(halted?.acknowledgedThrough == 5)
        #expect(halted?.reason.contains("topics_allowed") == true)
        await #expect(throws: PublicationHalted.self) { _ = try await publisher.publish(batch) }
        guard case .halted(position: 6, _) = publisher.status else {
            Issue.record("not halted: \(publisher.status)")
            return
        }
        await publisher.close()
        let positions = try await kafka.readAll(["\(prefix).context0"]).map { $0.header("global_position") }
        #expect(positions == ["1", "2", "3", "4", "5"])
    }

    @Test func anEventThatIsTooLargeHaltsBeforeTheClientSeesIt() async throws {
        let kafka = try await TestKafka()
        let topic = kafka.uniqueTopic()
        let publisher = try kafka.publisher(topic, .create(partitions: 1))
        let batch = try await EventRows.batch(
            EventRows.sql("g", rows: 1...3, payload: "repeat('x', CASE g WHEN 2 THEN 1100000 ELSE 900000 END)"))
        let publication = try await publisher.publish(batch)
        let halted = await #expect(throws: PublicationHalted.self) { try await publication.acknowledged() }
        #expect(halted?.position == 2)
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
