import Consumers
import EventSourcing
import FoundationEssentials
import Testing

@testable import Appliance
@testable import Kafka
@testable import KafkaBridge

@Suite struct EventPreviewTextTests {
    private static func preview(
        payload: [UInt8], id: String = "u-1", context: String = "Identity",
        change: (inout KafkaPublisherOptions) -> Void = { _ in }
    ) throws -> EventPreview {
        let event = PersistedEvent(
            globalPosition: 7, boundedContext: context, aggregateType: "User", aggregateID: id, eventType: "Registered",
            payload: payload, createdAt: Date(timeIntervalSince1970: 1_799_999_999))
        var options = KafkaPublisherOptions(
            name: "a", client: ClientConfiguration(bootstrapServers: "x:1"),
            route: Route(topic: try TopicTemplate("identity")))
        change(&options)
        var preview = ConsumerPreview(options, .init(totalSegments: 1))
        let batch = try EventBatch([event])
        let facts = TopicFacts.exists(partitions: 1, settings: ["max.message.bytes": "1048588"])
        let topics = preview.topics(of: batch).reduce(into: [:]) { $0[$1] = facts }
        return preview.preview(batch[0], mayHaveDefects: false, topics: topics, now: 1_800_000_000_000_000)
    }

    @Test func `a record is shown with all its parts, within 80 columns`() throws {
        let lines = try Self.preview(payload: Array(#"{"a":{"b":1}}"#.utf8)).text.split(separator: "\n")
        #expect(lines[0] == "position 7  2027-01-15T07:59:59.000000Z  Registered")
        #expect(lines[2].hasPrefix("  → topic identity, partition 0, ") && lines[2].hasSuffix(" of 1,048,588 bytes"))
        #expect(lines[3] == "  key      u-1" && lines[4] == "  time     2027-01-15T07:59:59.000Z")
        #expect(lines.contains("           aggregate_type     User"))
        #expect(
            lines.suffix(6) == [
                "  value    13 bytes, JSON", "    {", "      \"a\": {", "        \"b\": 1", "      }", "    }",
            ])
        #expect(lines.allSatisfy { $0.count <= 80 })
    }

    @Test func `what a terminal would act on is escaped, wherever it comes from`() throws {
        let evil = "\u{1b}[2J\u{202e}\r\nposition 8"
        for text in [
            try Self.preview(payload: Array(evil.utf8), id: evil).text, try Self.preview(payload: [], id: evil).line,
            try Self.preview(payload: Array("{\"a\":\"\u{202e}\"}".utf8), context: evil).text,
        ] {
            #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x202e }, "\(text)")
            #expect(!text.split(separator: "\n").contains { $0.hasPrefix("position 8") }, "\(text)")
        }
    }

    @Test func `bytes that are no text come in digits, long values are cut, and no value is null`() throws {
        let binary = try Self.preview(payload: [0xff, 0x00, 0x41])
        #expect(binary.text.hasSuffix("  value    3 bytes, not text\n    ff0041"))
        #expect(binary.json["record"]?["value_base64"] == .string("/wBB") && binary.json["record"]?["value"] == nil)
        let long = try Self.preview(payload: Array(String(repeating: "line\n", count: 500).utf8)).text
        #expect(long.split(separator: "\n").count < 100 && long.hasSuffix("--json shows all"))
        let wide = try Self.preview(payload: Array(String(repeating: "x", count: 100_000).utf8)).text
        #expect(wide.utf8.count < 6_000 && wide.hasSuffix("--json shows all"))
        var none = try Self.preview(payload: [])
        #expect(none.text.hasSuffix("  value    empty"))
        none.record?.value = nil
        #expect(none.text.contains("  value    null: a tombstone") && none.json["record"]?["value"] == .null)
    }

    @Test func `numbers are numbers for programs, and a reason is there where nothing is published`() throws {
        let json = try Self.preview(payload: Array("{}".utf8)).json
        #expect(json["published"] == true && json["reason"] == .null && json["position"] == 7)
        #expect(json["record"]?["partition"] == 0 && json["record"]?["limit"] == 1_048_588)
        #expect(json["record"]?["value"] == .string("{}") && json["record"]?["timestamp"] == .number("1799999999000"))
        let outside = try Self.preview(payload: []) { $0.scope = EventScope(boundedContexts: ["Shop"]) }
        #expect(outside.json["published"] == false && outside.json["reason"]?["code"] == "outside_scope")
        #expect(outside.line.contains("  not published: its bounded context is `Identity`"))
        let reason = outside.text.split(separator: "\n").dropFirst(2)
        #expect(
            reason == ["  not published: its bounded context is `Identity`, and bounded_contexts has", "    Shop"])
    }
}
