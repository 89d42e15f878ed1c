import EventSourcing
import FoundationEssentials
import Testing

@testable import Appliance

@Suite struct EventLineTests {
    private static let least =
        #""bounded_context":"Identity","aggregate_type":"User","aggregate_id":"u-1","event_type":"Registered""#

    @Test func `a full line is read`() throws {
        let line = try EventLine.parse(
            """
            {\(Self.least),"event_id":"0F4E2A4C-5D0E-4B8A-9C3F-3A1B2C3D4E5F","event_version":3,"payload":{"b":1.50,"a":[null]},
            "trace_id":"t","correlation_id":"c","causation_id":"k","metadata":{"z":1,"a":2},
            "created_at":"2026-01-31T09:15:02.250Z","expected_version":7}
            """)
        #expect(line.event.boundedContext == "Identity" && line.event.aggregateID == "u-1")
        #expect(line.event.eventID == UUID(uuidString: "0f4e2a4c-5d0e-4b8a-9c3f-3a1b2c3d4e5f"))
        #expect(line.event.eventVersion == 3)
        #expect(String(decoding: line.event.payload, as: UTF8.self) == #"{"b":1.50,"a":[null]}"#)
        #expect(line.event.metadata == #"{"z":1,"a":2}"#)
        #expect(line.event.traceID == "t" && line.event.correlationID == "c" && line.event.causationID == "k")
        #expect(line.event.createdAt.map { abs($0.timeIntervalSince1970 - 1_769_850_902.25) < 0.001 } == true)
        #expect(line.expectedVersion == .exact(7))
    }

    @Test(arguments: [
        (#""payload":"as it is""#, "as it is"), (#""payload":12345678901234567890"#, "12345678901234567890"),
        (#""payload":null"#, "null"), (#""payload_base64":"AAEC""#, "\u{0}\u{1}\u{2}"), (#""payload":"""#, ""),
    ])
    func `a payload comes as JSON, as text or as bytes`(member: String, payload: String) throws {
        let line = try EventLine.parse("{\(Self.least),\(member)}")
        #expect(line.event.payload == Array(payload.utf8))
        #expect(line.expectedVersion == .any)
    }

    @Test(arguments: [
        (#""payload":1,"payload_base64":"AA==""#, "not both"), ("", "required"), (#""payload_base64":"%""#, "base64"),
        (#""payload":1,"expected_version":-1"#, "expected_version"),
        (#""payload":1,"expected_version":"none""#, "no_stream"),
        (#""payload":1,"event_id":"x""#, "UUID"), (#""payload":1,"event_version":0"#, "event_version"),
        (#""payload":1,"created_at":"yesterday""#, "created_at"), (#""payload":1,"trace_id":5"#, "trace_id"),
        (#""payload":1,"causation":"x""#, #"did you mean "causation_id""#),
    ])
    func `a flaw is named`(members: String, word: String) {
        let line = members.isEmpty ? "{\(Self.least)}" : "{\(Self.least),\(members)}"
        let flaw = #expect(throws: EventLine.Rejection.self) { try EventLine.parse(line) }
        #expect(flaw?.description.contains(word) == true, "\(String(describing: flaw))")
    }

    @Test func `what is required may not be missing or empty`() {
        for member in ["bounded_context", "aggregate_type", "aggregate_id", "event_type"] {
            let others = ["bounded_context", "aggregate_type", "aggregate_id", "event_type"].filter { $0 != member }
            let text = others.map { "\"\($0)\":\"x\"" }.joined(separator: ",")
            for line in ["{\(text),\"payload\":1}", "{\(text),\"\(member)\":\"\",\"payload\":1}"] {
                let flaw = #expect(throws: EventLine.Rejection.self) { try EventLine.parse(line) }
                #expect(flaw?.description.contains(member) == true)
            }
        }
    }

    @Test func `neighbours of one aggregate are appended together, unless a line expects a version`() throws {
        func line(_ id: String, _ more: String = "") -> String {
            #"{"bounded_context":"I","aggregate_type":"U","aggregate_id":"\#(id)","event_type":"E","payload":1\#(more)}"#
        }
        let runs = try LineAppend.runs(
            [line("a"), "  ", line("a"), line("b"), line("a"), line("a", #","expected_version":3"#)], firstNumber: 10)
        #expect(runs.map(\.events.count) == [2, 1, 1, 1])
        #expect(runs.map(\.firstLine) == [10, 13, 14, 15])
        #expect(runs.map(\.expectedVersion) == [.any, .any, .any, .exact(3)])
    }

    @Test func `every wrong line is named by its number`() {
        let failure = #expect(throws: Failure.self) {
            try LineAppend.runs(["{", "[]", "", #"{"x":1}"#], firstNumber: 5)
        }
        let lines = failure?.message.split(separator: "\n").map { $0.prefix { $0 != ":" } }
        #expect(lines == ["line 5", "line 6", "line 8"])
        #expect(failure?.status == .input)
    }
}
