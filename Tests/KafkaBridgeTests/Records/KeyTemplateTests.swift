import EventSourcing
import TestSupport
import Testing

@testable import Kafka
@testable import KafkaBridge

@Suite struct KeyTemplateTests {
    private func key(_ template: String, _ fixture: EventFixture = EventFixture()) throws -> String? {
        try fixture.record { $0.key = .template(try TextTemplate(template)) }.keyText
    }

    private func problem(_ template: String, _ fixture: EventFixture) throws -> RecordProblem? {
        try fixture.problem { $0.key = .template(try TextTemplate(template)) }
    }

    @Test(arguments: [
        ("{metadata./tenant}:{aggregate_id}", "acme:order-7"), ("{payload./customer/0/id}", "12345678901234567890.10"),
        ("{payload./is}", "true"), ("{metadata./quoted}", "a\"b\n🐦"), ("{payload./a~1b/m~0n}", "x"),
        ("{event_id}", "00112233-4455-6677-8899-aabbccddeeff"), ("{event_version}-{global_position}", "2-42"),
        ("{aggregate_version}", "3"), ("{bounded_context}/{aggregate_type}", "Sales/Order"),
        // As in jsonb and most parsers the last one counts.
        ("{payload./twice}", "second"),
    ])
    func `a key is made of fields and of places in the event`(_ template: String, _ expected: String) throws {
        let fixture = EventFixture(
            payload: """
                {"customer": [{"id": 12345678901234567890.10}], "is": true, "a/b": {"m~n": "x"},
                 "twice": "first", "twice": "second"}
                """, metadata: #"{"tenant": "acme", "quoted": "a\"b\n\ud83d\udc26"}"#)
        #expect(try key(template, fixture) == expected)
    }

    @Test(arguments: [
        ("{metadata./absent}", EventPlace.Flaw.absent), ("{metadata./null}", .null), ("{metadata./object}", .object),
        ("{metadata./array}", .array), ("{payload./any}", .notJSON), ("x{metadata./object/none}", .absent),
    ])
    func `an event without a text at a place has no record, and the reason names the place`(
        _ template: String, _ flaw: EventPlace.Flaw
    ) throws {
        let fixture = EventFixture(
            payload: "{", metadata: #"{"null": null, "object": {}, "array": [1]}"#)
        let problem = try #require(try problem(template, fixture))
        guard case .gap(.key, let gap) = problem else {
            Issue.record("\(problem)")
            return
        }
        #expect(gap.flaw == flaw)
        #expect(problem.description.contains("\(gap.place) \(flaw.text)"))
    }

    @Test func `half of a surrogate pair makes no key, since another half would make the same`() throws {
        for payload in [#"{"a": "\ud800"}"#, #"{"a": "\udc00x"}"#, #"{"a": "\ud800\ud800"}"#, #"{"a": "\ud800\n"}"#] {
            let problem = try problem("{payload./a}", EventFixture(payload: payload))
            guard case .gap(.key, let gap)? = problem else {
                Issue.record("\(payload)")
                continue
            }
            #expect(gap.flaw == .surrogate)
        }
        #expect(try key("{payload./a}", EventFixture(payload: #"{"a": "\u0000x"}"#)) == "\0x")
    }

    @Test func `a key is never empty`() throws {
        #expect(try problem("{trace_id}", EventFixture()) == .emptyKey)
        #expect(try problem("{payload./a}", EventFixture(payload: #"{"a": ""}"#)) == .emptyKey)
        #expect(try key("{trace_id}-", EventFixture()) == "-")
    }

    @Test func `templates name mistakes in their places`() {
        #expect(throws: TextTemplateError.pointer("tenant", .noSlash, position: 2)) {
            try TextTemplate("a{metadata.tenant}")
        }
        #expect(throws: TextTemplateError.wholeDocument("payload.", position: 1)) { try TextTemplate("{payload.}") }
        #expect(throws: TextTemplateError.pointer("/a~2", .escape, position: 1)) { try TextTemplate("{payload./a~2}") }
        #expect(throws: TextTemplateError.unknownField("data./a", position: 1)) { try TextTemplate("{data./a}") }
    }

    // MARK: Partitions

    private func partition(_ payload: String) throws -> Int32? {
        var route = Route(topic: try TopicTemplate("t"))
        route.partition = try TextTemplate("{payload./p}")
        let batch = try EventFixture(payload: payload).batch()
        return try route.prepare(batch[0]).partition
    }

    @Test func `a partition is a whole number`() throws {
        #expect(try partition(#"{"p": 7}"#) == 7)
        #expect(try partition(#"{"p": "0"}"#) == 0)
        #expect(try partition(#"{"p": "007"}"#) == 7)
        #expect(try partition(#"{"p": 2147483647}"#) == .max)
        for text in ["-1", "1.0", "1e3", #""""#, #"" 1""#, #""x""#, "2147483648", "99999999999999999999", #""+1""#] {
            #expect(throws: RecordProblem.noPartition, "\(text)") { try partition("{\"p\": \(text)}") }
        }
        #expect(throws: RecordProblem.self) { try partition(#"{"p": null}"#) }
        #expect(throws: RecordProblem.self) { try partition("no JSON") }
    }
}
