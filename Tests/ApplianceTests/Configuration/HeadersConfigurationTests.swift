import KafkaBridge
import Testing

@testable import Appliance

/// `headers` on a consumer: what it takes, and what it says of what it does not take.
@Suite struct HeadersConfigurationTests {
    private func consumer(_ more: String, _ environment: [String: String] = [:]) throws -> ConsumerSection {
        let loaded = try ConfigurationFileTests.read(
            "consumers: { a: { topic: t\(more) } }", environment: environment, needs: [])
        return try #require(loaded.configuration.consumers.first)
    }

    private func problems(_ more: String, _ environment: [String: String] = [:]) -> [String] {
        ConfigurationFileTests.problems(
            "consumers: { a: { topic: t\(more) } }", environment: environment, needs: [])
    }

    private static let binary = ", format: cloudevents_binary, cloudevents_source: /shop"
    private static let structured = ", format: cloudevents_structured, cloudevents_source: /shop"

    @Test func `all are sent unless others are chosen`() throws {
        #expect(try consumer("").headers == .standard)
        #expect(try consumer(", headers: standard").headers == .standard)
        #expect(try consumer(", headers: minimal").headers == .minimal(in: .payload))
        #expect(try consumer(", headers: none").headers == [])
        #expect(try consumer(", headers: [event_type, event_id]").headers == [.eventID, .eventType])
        let route = try #require(try consumer(", headers: minimal, header_prefix: x-").route)
        #expect(route.standardHeaders == .minimal(in: .payload) && route.headers.prefix == "x-")
    }

    @Test func `the environment takes a word or a list too`() throws {
        let variable = "GODWIT_CONSUMERS_A_HEADERS"
        #expect(try consumer("", [variable: "minimal"]).headers == .minimal(in: .payload))
        #expect(try consumer(", headers: minimal", [variable: "none"]).headers == [])
        #expect(try consumer("", [variable: "event_id"]).headers == .eventID)
        #expect(try consumer("", [variable: "event_id, event_type"]).headers == [.eventID, .eventType])
        #expect(problems("", [variable: "minmal"]).first?.hasSuffix("did you mean \"minimal\"?") == true)
        #expect(problems("", [variable: ""]).count == 1)
    }

    @Test func `CloudEvents in binary mode have their own fewest`() throws {
        #expect(try consumer(Self.binary + ", headers: minimal").headers == .requiredByCloudEvents)
        #expect(try consumer(Self.binary + ", headers: [event_id, event_type]").headers == .requiredByCloudEvents)
        #expect(try consumer(Self.structured + ", headers: standard").headers == .standard)
    }

    @Test(arguments: [
        (", headers: minmal", "must be standard, minimal, none, or a list of names; did you mean \"minimal\"?"),
        (", headers: event_id", "must be standard, minimal, none, or a list of names; as a list, [event_id]"),
        (", headers: []", "is an empty list; write none"),
        (
            ", headers: [event_id, evnt_type]",
            "\"evnt_type\", which is no standard header; did you mean \"event_type\"?"
        ),
        (", headers: [xyzzyxyzzy]", "which is no standard header; there are event_id, event_type,"),
        (", headers: [event_id, event_type, event_id]", "names event_id more than once"),
        (", headers: [event_id, none]", "holds none, which is given alone: headers: none"),
        (", headers: [x-event_id], header_prefix: x-", "names come without header_prefix: event_id"),
        (", headers: [ce_subject]", "holds ce_subject, which is made of aggregate_id; name that"),
        (", headers: [ce_source]", "which is in every record of CloudEvents and in no other"),
        (binary + ", headers: none", "leaves out event_id and event_type, which CloudEvents require"),
        (binary + ", headers: [event_id, trace_id]", "leaves out event_type, which CloudEvents require"),
        (structured + ", headers: minimal", "has nothing to choose in cloudevents_structured"),
        (structured + ", headers: none", "has nothing to choose in cloudevents_structured"),
        (structured + ", headers: [event_id]", "has nothing to choose in cloudevents_structured"),
    ])
    func `what cannot be is one problem that says what to do`(_ more: String, _ expected: String) {
        let problems = problems(more)
        #expect(problems.count == 1 && problems[0].contains(expected), "\(problems)")
        #expect(problems.first?.hasPrefix("godwit.yaml:1: \"consumers.a.headers\" ") == true, "\(problems)")
    }

    @Test func `every wrong name is named`() {
        #expect(problems(", headers: [event_idd, trace_idd]").count == 2)
    }

    /// A reader must not take it for the event's own, which other consumers or earlier records have.
    @Test func `a member of the metadata is never called like a standard header, also where that is not sent`() {
        #expect(problems(", headers: none, metadata_headers: [event_id]").count == 1)
        #expect(problems(", headers: none, metadata_headers: [tenant], header_prefix: x-").isEmpty)
    }

    @Test func `what holds is shown`() throws {
        for (more, expected) in [
            ("", "standard"), (", headers: minimal", "minimal"), (", headers: [event_id]", "[event_id]"),
        ] {
            let entries = try ConfigurationFileTests.read("consumers: { a: { topic: t\(more) } }", needs: [])
                .configuration.entries
            #expect(ConfigurationReport.text(entries).contains("    headers: \(expected) "), "\(more)")
        }
    }
}
