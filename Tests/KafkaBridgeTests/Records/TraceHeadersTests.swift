import EventSourcing
import FoundationEssentials
import Testing

@testable import Kafka
@testable import KafkaBridge

@Suite struct TraceHeadersTests {
    private static let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    private static let other = "00-11111111111111111111111111111111-2222222222222222-00"
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    private func headers(
        _ metadata: String? = nil, _ traceID: String? = nil, _ headers: TraceHeaders = [.parent, .state]
    ) throws -> [String] {
        try EventFixture(metadata: metadata, traceID: traceID).record { $0.traceHeaders = headers }.headerTexts
    }

    @Test func `the metadata's traceparent comes first, then a whole one in the column, then one of the trace's id`()
        throws
    {
        #expect(try headers(#"{"traceparent": "\#(Self.parent)"}"#, Self.other) == ["traceparent=\(Self.parent)"])
        #expect(try headers(#"{"traceparent": "nonsense"}"#, Self.other) == ["traceparent=\(Self.other)"])
        #expect(try headers(nil, Self.other) == ["traceparent=\(Self.other)"])
        // 0011223344556677 and 8899aabbccddeeff, bit by bit.
        #expect(try headers(nil, Self.trace) == ["traceparent=00-\(Self.trace)-8888888888888888-00"])
        #expect(try headers(nil, Self.trace.uppercased()) == ["traceparent=00-\(Self.trace)-8888888888888888-00"])
        for none in [nil, "", "trace-1", String(repeating: "0", count: 32), String(repeating: "g", count: 32)] {
            #expect(try headers(nil, none) == [])
        }
    }

    @Test func `a parent is never zero`() throws {
        var fixture = EventFixture(traceID: Self.trace)
        fixture.id = UUID(uuid: (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1))
        let record = try fixture.record { $0.traceHeaders = .parent }
        #expect(record.headerTexts == ["traceparent=00-\(Self.trace)-0000000000000001-00"])
    }

    @Test func `tracestate and baggage come from the metadata, within bounds and in ASCII`() throws {
        let all: TraceHeaders = [.parent, .state, .baggage]
        #expect(
            try headers(#"{"traceparent": "\#(Self.parent)", "tracestate": "a=1,b=2", "baggage": "k=v"}"#, nil, all)
                == ["traceparent=\(Self.parent)", "tracestate=a=1,b=2", "baggage=k=v"])
        #expect(try headers(#"{"tracestate": "a=1", "baggage": "k=v"}"#, nil, all) == ["baggage=k=v"])
        #expect(try headers(#"{"tracestate": "a=1", "baggage": "k=v"}"#, nil) == [])
        func state(_ value: String) throws -> Int {
            try headers(#"{"traceparent": "\#(Self.parent)", "tracestate": \#(value)}"#).count
        }
        #expect(try state("\"\(String(repeating: "x", count: 512))\"") == 2)
        for value in ["\"\(String(repeating: "x", count: 513))\"", #""é""#, #""a\nb""#, #""""#, "1", "null", "{}"] {
            #expect(try state(value) == 1, "\(value)")
        }
        #expect(try headers("{\"baggage\": \"\(String(repeating: "x", count: 8192))\"}", nil, all).count == 1)
        #expect(try headers("{\"baggage\": \"\(String(repeating: "x", count: 8193))\"}", nil, all).count == 0)
    }

    @Test func `a state beside a parent that is none is not sent with another parent`() throws {
        for metadata in [#"{"traceparent": "x", "tracestate": "a=1"}"#, #"{"tracestate": "a=1", "traceparent": 7}"#] {
            let found = try headers(metadata, Self.trace)
            #expect(found.count == 1 && found[0].hasPrefix("traceparent=00-\(Self.trace)"), "\(found)")
        }
        // Without one, the state belongs to the trace of the column.
        #expect(try headers(#"{"tracestate": "a=1"}"#, Self.trace).count == 2)
    }

    @Test func `only members of the metadata itself count`() throws {
        #expect(try headers(#"{"x": {"traceparent": "\#(Self.parent)"}, "y": "traceparent"}"#) == [])
        #expect(try headers(#"["traceparent", "\#(Self.parent)"]"#) == [])
    }

    @Test func `CloudEvents have them as attributes beside the headers`() throws {
        let events = RecordFormat.CloudEvents(source: try TextTemplate("/shop"))
        let fixture = EventFixture(
            metadata: #"{"traceparent": "\#(Self.parent)", "tracestate": "a=1"}"#, traceID: Self.trace)
        let binary = try fixture.record {
            $0.format = .cloudEventsBinary(events)
            $0.standardHeaders = .standard
            $0.traceHeaders = [.parent, .state]
        }
        #expect(binary.text("ce_traceparent") == Self.parent && binary.text("traceparent") == Self.parent)
        #expect(binary.text("ce_tracestate") == "a=1" && binary.text("tracestate") == "a=1")
        #expect(binary.text("ce_traceid") == Self.trace)
        let structured = try fixture.record {
            $0.format = .cloudEventsStructured(events)
            $0.traceHeaders = [.parent, .state]
        }
        #expect(structured.valueText?.contains(#""traceparent":"\#(Self.parent)","tracestate":"a=1""#) == true)
        #expect(structured.text("traceparent") == Self.parent && structured.text("tracestate") == "a=1")
        // Where no trace goes on, the column is an attribute like others.
        let column = try EventFixture(traceID: Self.parent).record {
            $0.format = .cloudEventsBinary(events)
            $0.standardHeaders = .standard
        }
        #expect(column.text("ce_traceparent") == nil && column.text("traceparent") == nil)
        #expect(column.text("ce_traceid") == Self.parent)
        let value = try EventFixture(traceID: Self.parent).record { $0.format = .cloudEventsStructured(events) }
        #expect(value.valueText?.contains("traceparent") == false && value.valueText?.contains(Self.parent) == true)
    }

    @Test func `dead letters and republished records go on with the trace`() throws {
        let note = DeadLetterNote(
            reason: .rejected, error: "e", consumer: "c", segment: 0, position: 42, topic: nil, time: 0, prefix: "")
        let fixture = EventFixture(traceID: Self.parent)
        #expect(try fixture.record({ $0.traceHeaders = .parent }, note: note).text("traceparent") == Self.parent)
        let republished = try fixture.record {
            $0.traceHeaders = .parent
            $0.republication = Republication(job: "j")
        }
        #expect(republished.text("traceparent") == Self.parent)
    }

    @Test func `a text is found wherever it is`() {
        let search = ByteSearch("traceparent")
        for (text, isThere) in [
            ("traceparent", true), ("xtraceparent", true), ("tracetraceparenttrace", true), ("traceparen", false),
            ("", false), ("trace parent", false), (String(repeating: "t", count: 50) + "traceparent", true),
        ] {
            let bytes = Array(text.utf8)
            #expect(search.finds(bytes.span.bytes) == isThere, "\(text)")
        }
    }
}
