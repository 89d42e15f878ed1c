import EventSourcing
import Testing

@testable import Kafka
@testable import KafkaBridge

@Suite struct AddedHeadersTests {
    private static let fixture = EventFixture(
        payload: #"{"address": {"country": "DE", "zip": 10115, "tags": ["a", "b"], "none": null}}"#,
        metadata: #"{"user": {"tenant": "acme"}, "Tenant_ID": "t-1", "event_id": "forged", "bell": "a\u0007b", "n": 3}"#
    )

    private static func headers() throws -> AddedHeaders {
        func place(_ document: EventPlace.Document, _ text: String) throws -> AddedHeaders.Source {
            .place(EventPlace(document, try JSONPointer(text)))
        }
        return AddedHeaders(
            [
                .init("origin", .value("shop")), .init("tenant", try place(.metadata, "/user/tenant")),
                .init("country", try place(.payload, "/address/country")),
                .init("zip", try place(.payload, "/address/zip")), .init("tags", try place(.payload, "/address/tags")),
                .init("none", try place(.payload, "/address/none")), .init("absent", try place(.payload, "/x")),
            ], prefix: "x-")
    }

    private static func events(_ source: String = "/shop") throws -> RecordFormat.CloudEvents {
        RecordFormat.CloudEvents(source: try TextTemplate(source))
    }

    @Test func `a header has a value of its own, or what is at a place`() throws {
        let record = try Self.fixture.record { $0.addedHeaders = try Self.headers() }
        #expect(
            record.headerTexts == [
                "x-origin=shop", "x-tenant=acme", "x-country=DE", "x-zip=10115", #"x-tags=["a", "b"]"#,
            ])
    }

    @Test func `in CloudEvents they are extension attributes in both modes`() throws {
        let binary = try Self.fixture.record {
            $0.format = .cloudEventsBinary(try Self.events())
            $0.addedHeaders = try Self.headers()
            $0.metadataHeaders = MetadataHeaders(["Tenant_ID", "n"], prefix: "x-")
        }
        #expect(binary.text("ce_origin") == "shop" && binary.text("ce_country") == "DE")
        #expect(binary.text("ce_tenantid") == "t-1" && binary.text("ce_n") == "3")
        #expect(!binary.headers.contains { $0.name.hasPrefix("x-") })
        let structured = try Self.fixture.record {
            $0.format = .cloudEventsStructured(try Self.events())
            $0.addedHeaders = try Self.headers()
            $0.metadataHeaders = MetadataHeaders(["Tenant_ID"])
        }
        let text = try #require(structured.valueText)
        #expect(text.contains(#""origin":"shop","tenant":"acme","country":"DE","zip":"10115""#))
        #expect(text.contains(#""tenantid":"t-1""#))
        #expect(structured.headers.map(\.name) == ["content-type"])
    }

    @Test func `a value that CloudEvents do not allow is left out and named, and stays a header elsewhere`() throws {
        let payload = try Self.fixture.record { $0.metadataHeaders = MetadataHeaders(["bell"]) }
        #expect(payload.text("bell") == "a\u{7}b")
        let binary = try Self.fixture.record {
            $0.format = .cloudEventsBinary(try Self.events())
            $0.metadataHeaders = MetadataHeaders(["bell", "n"])
        }
        #expect(binary.text("ce_bell") == nil && binary.text("ce_n") == "3")
        #expect(binary.text("ce_metadataleftout") == "bell")
    }

    @Test(arguments: [0, 0x1f, 0x7f, 0x85, 0x9f, 0xfdd0, 0xfdef, 0xfffe, 0xffff, 0x1_ffff, 0x10_fffe] as [UInt32])
    func `characters that no attribute may hold are known`(_ value: UInt32) throws {
        let scalar = try #require(Unicode.Scalar(value))
        #expect(!AttributeText.isLegal("x\(scalar)y"))
    }

    @Test(arguments: ["", "é", "\u{a0}", "漢字", "👩‍👩‍👧‍👧", "\u{fdf0}", "\u{fffd}", "~", "\u{10fffd}", "\u{2028}"])
    func `other characters are free`(_ text: String) { #expect(AttributeText.isLegal("x" + text + "y")) }

    @Test func `attributes have short names of letters and digits`() {
        #expect(AttributeText.name("Tenant_ID") == "tenantid")
        #expect(AttributeText.name("user-id.Ä9") == "userid9")
        #expect(AttributeText.name("aVeryLongNameOfSomething")?.count == 20)
        #expect(AttributeText.name("_é_") == nil)
    }

    @Test func `half of a surrogate pair makes no header, which is named`() throws {
        let fixture = EventFixture(payload: #"{"a": "x\ud83d", "b": "x\ud83d\ude00", "c": ["\ud83d"]}"#, metadata: "{}")
        let record = try fixture.record {
            $0.addedHeaders = AddedHeaders(
                try ["a", "b", "c"].map { .init($0, .place(EventPlace(.payload, try JSONPointer("/\($0)")))) })
        }
        #expect(record.text("a") == nil && record.text("b") == "x😀" && record.text("c") == #"["\ud83d"]"#)
        #expect(record.text("metadata_left_out") == "a")
    }

    @Test func `all members become headers, but for names that are taken or none`() throws {
        let record = try Self.fixture.record { $0.metadataHeaders = .all(taken: ["N"]) }
        #expect(Set(record.headers.map(\.name)) == ["user", "Tenant_ID", "bell"])
        let names = (0..<70).map { #""m\#($0)": 1"# }.joined(separator: ",")
        let hostile = EventFixture(
            metadata: #"{"ce_type": "x", "a\n": 1, "godwit_x": 1, "traceparent": "x", "ok": 1, "OK": 2, \#(names)}"#)
        let found = try hostile.record { $0.metadataHeaders = .all() }
        #expect(found.headers.count == 65 && found.text("ok") == "1" && found.text("OK") == nil)
        // What becomes a name that is there already is named, as is what is too many.
        #expect(found.text("metadata_left_out")?.contains("OK") == true)
        #expect(found.text("metadata_left_out")?.contains("m69") == true)
        let attributes = try hostile.record {
            $0.format = .cloudEventsBinary(try Self.events())
            $0.metadataHeaders = .all(taken: ["m_1"])
        }
        #expect(attributes.text("ce_ok") == "1" && attributes.text("ce_m1") == nil && attributes.text("ce_m2") == "1")
        #expect(attributes.headers.filter { $0.name == "ce_type" }.count == 1)
    }

    @Test func `standard headers have other names, and are found by them`() throws {
        let fixture = EventFixture()
        let names = HeaderNames(
            prefix: "x-", renamed: ["event_id": "id", "event_type": "type", "global_position": "pos"])
        let change: (inout Route) -> Void = {
            $0.headers = names
            $0.standardHeaders = [.eventID, .eventType, .globalPosition]
        }
        let record = try fixture.record(change)
        #expect(record.headers.map(\.name) == ["x-id", "x-type", "x-pos"])
        var route = Route(topic: try TopicTemplate("t"))
        change(&route)
        let found = RecordNames("c", route: route, deadLetterTopic: nil)
        let consumed = record.consumed
        #expect(found.identity(consumed)?.event.text == "00112233-4455-6677-8899-aabbccddeeff")
        #expect(found.position(consumed) == 42)
        // A dead letter says which event it is under the same name, also where that is left out.
        route.standardHeaders = []
        let note = DeadLetterNote(
            reason: .record, error: "e", consumer: "c", segment: 0, position: 42, topic: nil, time: 0, prefix: "x-")
        let letter = try fixture.record(
            {
                change(&$0)
                $0.standardHeaders = []
            }, note: note)
        #expect(found.identity(letter.consumed)?.event.text == "00112233-4455-6677-8899-aabbccddeeff")
        #expect(found.deadLetterPosition(letter.consumed) == 42)
    }

    @Test func `all members but those of other names are there, or named`() throws {
        let long = String(repeating: "n", count: 200)
        let fixture = EventFixture(metadata: #"{"\#(long)": 1, "ü": 2, "": 3, "e": "", "event_id": "x"}"#)
        let plain = try fixture.record { $0.metadataHeaders = .all() }
        #expect(plain.text("ü") == "2" && plain.text("e") == "" && plain.text("metadata_left_out") == "\(long),")
        let binary = try fixture.record {
            $0.format = .cloudEventsBinary(try Self.events())
            $0.metadataHeaders = .all()
        }
        // An optional attribute is never empty.
        #expect(binary.text("ce_e") == nil && binary.text("ce_metadataleftout") == "ü,")
    }

    @Test(arguments: [false, true])
    func `dead letters are CloudEvents too, also without their values`(_ isStructured: Bool) throws {
        let format = isStructured ? RecordFormat.cloudEventsStructured : RecordFormat.cloudEventsBinary
        var note = DeadLetterNote(
            reason: .tooLarge, error: "e", consumer: "c", segment: 0, position: 42, topic: nil, time: 0, prefix: "")
        note.omittedBytes = 7
        let empty = try EventFixture().record({ $0.format = format(try Self.events()) }, note: note)
        #expect(empty.value == nil && empty.text("ce_id") == "00112233-4455-6677-8899-aabbccddeeff")
        #expect(empty.text("ce_type") == "OrderPlaced" && empty.text("content-type")?.contains("cloudevents") == false)
        note.omittedBytes = nil
        for type in ["", "a\nb"] {
            let unfit = try EventFixture(context: "", event: type).record(
                { $0.format = format(try Self.events("{bounded_context}")) }, note: note)
            let type = unfit.text("ce_type") ?? unfit.valueText ?? ""
            #expect(type.contains("undeliverable"))
            let source = unfit.text("ce_source") ?? unfit.valueText ?? ""
            #expect(source.contains("undeliverable"))
        }
    }

    // MARK: What CloudEvents require

    @Test func `required attributes are never empty, and optional ones are left out instead`() throws {
        for format in [RecordFormat.cloudEventsBinary, RecordFormat.cloudEventsStructured] {
            func problem(_ fixture: EventFixture, _ source: String = "/shop") throws -> RecordProblem? {
                try fixture.problem { $0.format = format(try Self.events(source)) }
            }
            #expect(try problem(EventFixture(event: "")) == .emptyAttribute("type"))
            #expect(try problem(EventFixture(event: "a\nb")) == .illegalAttribute("type"))
            #expect(try problem(EventFixture(), "{trace_id}") == .emptyAttribute("source"))
            #expect(try problem(EventFixture(), "/{metadata./tenant}") != nil)
            #expect(try problem(EventFixture(aggregate: "")) == nil)
        }
        let change: (inout Route) throws -> Void = {
            $0.standardHeaders = .standard
            $0.format = .cloudEventsBinary(try Self.events())
        }
        let binary = try EventFixture(context: "a\u{1}", aggregate: "").record(change)
        #expect(binary.text("ce_subject") == nil && binary.text("ce_partitionkey") == nil)
        #expect(binary.text("ce_boundedcontext") == nil && binary.text("ce_aggregatetype") == "Order")
        let structured = try EventFixture(context: "a\u{1}", aggregate: "").record {
            $0.format = .cloudEventsStructured(try Self.events())
        }
        for name in ["subject", "partitionkey", "boundedcontext"] {
            #expect(structured.valueText?.contains("\"\(name)\"") == false)
        }
    }

    // MARK: Tombstones

    @Test func `a tombstone has key and headers, and no value`() throws {
        let types = Tombstones(types: ["UserErased"])
        let event = EventFixture(event: "UserErased", payload: "not looked at")
        let record = try event.record {
            $0.tombstones = types
            $0.standardHeaders = [.eventType]
            $0.projection = ValueProjection(try ValueProjectionTests.steps(mask: ["/a"]))
        }
        #expect(record.value == nil && record.keyText == "order-7" && record.headerTexts == ["event_type=UserErased"])
        #expect(try EventFixture().record { $0.tombstones = types }.value != nil)
        let empty = EventFixture(payload: "")
        #expect(try empty.record { $0.tombstones = types }.value == [])
        #expect(try empty.record { $0.tombstones = Tombstones(includesEmpty: true) }.value == nil)
    }

    @Test func `a tombstone in CloudEvents has its attributes in headers`() throws {
        for format in [RecordFormat.cloudEventsBinary, RecordFormat.cloudEventsStructured] {
            let record = try EventFixture(event: "UserErased", metadata: #"{"tenant": "acme"}"#).record {
                $0.tombstones = Tombstones(types: ["UserErased"])
                $0.standardHeaders = .standard
                $0.format = format(try Self.events())
                $0.metadataHeaders = MetadataHeaders(["tenant"])
            }
            #expect(record.value == nil && record.text("ce_type") == "UserErased" && record.text("ce_tenant") == "acme")
            #expect(record.text("content-type") == "application/json" && record.text("ce_subject") == "order-7")
        }
    }

    // MARK: Comparisons

    @Test func `verify expects what is sent`() throws {
        let routes: [(inout Route) throws -> Void] = [
            { $0.projection = ValueProjection(try ValueProjectionTests.steps(mask: ["/total"])) },
            { $0.tombstones = Tombstones(types: ["OrderPlaced"]) },
            { $0.key = .template(try TextTemplate("{payload./total}-{aggregate_id}")) },
            { $0.format = .cloudEventsStructured(try Self.events()) },
        ]
        var hashes: Set<UInt64> = []
        let batch = try EventFixture().batch()
        for change in routes {
            var route = Route(topic: try TopicTemplate("t"))
            try change(&route)
            let record = try EventFixture().record(change)
            let expected = try #require(ValueHash.expected(batch[0], on: route))
            #expect(expected == ValueHash.of(record.consumed))
            hashes.insert(expected)
        }
        #expect(hashes.count == routes.count)
    }
}

extension CapturedRecord {
    /// As a reader gets it.
    var consumed: ConsumedRecord {
        ConsumedRecord(
            topic: "t", partition: 0, offset: 0, timestamp: time, key: key, value: value,
            headers: headers.map { ConsumedRecord.Header(name: $0.name, value: $0.value) })
    }
}
