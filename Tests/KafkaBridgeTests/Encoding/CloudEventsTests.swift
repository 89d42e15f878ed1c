import Consumers
import Foundation
import Kafka
import TestSupport
import Testing

@testable import KafkaBridge

@Suite struct CloudEventsTests {
    private static let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    private func deliver(
        _ format: (RecordFormat.CloudEvents) -> RecordFormat, payload: String, id: UUID, key: RecordKey = .aggregateID,
        metadata: MetadataHeaders = MetadataHeaders()
    ) async throws -> ConsumedRecord {
        let kafka = try await TestKafka()
        let topic = kafka.uniqueTopic()
        let source = try TextTemplate("/godwit/{bounded_context}")
        let route = Route(
            topic: try TopicTemplate(topic), key: key, metadataHeaders: metadata,
            format: format(RecordFormat.CloudEvents(source: source)))
        let publisher = KafkaPublisher(
            KafkaPublisherOptions(
                name: "test", client: kafka.client(), route: route, topics: .create(partitions: 1)), logger: quiet)
        try await publisher.deliver(
            try await EventRows.batch(
                """
                SELECT 42::bigint, 'Sales Dept', 'Order', 'order-"7"', 3::bigint, '\(id)'::uuid, 'OrderPlaced', 2::int4,
                    convert_to('\(payload)', 'UTF8'), '\(Self.parent)', 'corr-1', NULL::text,
                    '{"tenant": "acme"}'::jsonb, '2023-11-14 22:13:20.123456Z'::timestamptz
                """))
        await publisher.close()
        let records = try await kafka.readAll([topic])
        try #require(records.count == 1)
        return records[0]
    }

    @Test func `binary mode carries the attributes in headers`() async throws {
        let id = UUID()
        let record = try await deliver(
            RecordFormat.cloudEventsBinary, payload: #"{"total":1}"#, id: id,
            metadata: MetadataHeaders(["tenant"], prefix: "meta_"))
        #expect(record.value == Array(#"{"total":1}"#.utf8))
        #expect(record.key == Array(#"order-"7""#.utf8))
        let headers = record.headers.map { "\($0.name)=\(String(decoding: $0.value ?? [], as: UTF8.self))" }
        #expect(
            headers == [
                "content-type=application/json", "ce_specversion=1.0", "ce_id=\(id.uuidString.lowercased())",
                "ce_source=/godwit/Sales%20Dept", "ce_type=OrderPlaced", #"ce_subject=order-"7""#,
                "ce_time=2023-11-14T22:13:20.123456Z", #"ce_partitionkey=order-"7""#, "ce_boundedcontext=Sales Dept",
                "ce_aggregatetype=Order", "ce_aggregateversion=3", "ce_eventversion=2", "ce_globalposition=42",
                "ce_traceid=\(Self.parent)", "ce_correlationid=corr-1", "ce_tenant=acme",
            ])
    }

    @Test func `structured mode is one JSON text`() async throws {
        let id = UUID()
        let record = try await deliver(
            RecordFormat.cloudEventsStructured, payload: #"{"total": [1, "x"]}"#, id: id, key: .correlationID)
        #expect(record.header("content-type") == "application/cloudevents+json; charset=UTF-8")
        #expect(record.key == Array("corr-1".utf8))
        let object = try JSONSerialization.jsonObject(with: Data(record.value ?? []))
        let event = try #require(object as? [String: Any])
        #expect(event["specversion"] as? String == "1.0")
        #expect(event["id"] as? String == id.uuidString.lowercased())
        #expect(event["source"] as? String == "/godwit/Sales%20Dept")
        #expect(event["subject"] as? String == #"order-"7""#)
        #expect(event["partitionkey"] as? String == "corr-1")
        #expect(event["eventversion"] as? Int == 2)
        #expect(event["globalposition"] as? String == "42")
        #expect(event["traceid"] as? String == Self.parent)
        let data = try #require(event["data"] as? [String: Any])
        #expect((data["total"] as? [Any])?.count == 2)
        #expect(event["data_base64"] == nil)
    }

    @Test func `a payload that is no JSON cannot break the text`() async throws {
        let payload = #"1}, "id": "forged""#
        let record = try await deliver(RecordFormat.cloudEventsStructured, payload: payload, id: UUID())
        let object = try JSONSerialization.jsonObject(with: Data(record.value ?? []))
        let event = try #require(object as? [String: Any])
        #expect(event["data_base64"] as? String == Data(payload.utf8).base64EncodedString())
        #expect(event["data"] == nil)
        #expect(event["id"] as? String != "forged")
    }

    @Test func `templates name their mistakes`() {
        #expect(throws: TextTemplateError.unknownField("nope", position: 2)) { try TextTemplate("/{nope}") }
        #expect(throws: TextTemplateError.unclosed(position: 1)) { try TextTemplate("{aggregate_id") }
        #expect(throws: TextTemplateError.empty) { try TextTemplate("") }
        #expect(throws: TextTemplateError.controlCharacter) { try TextTemplate("a\n") }
    }
}
