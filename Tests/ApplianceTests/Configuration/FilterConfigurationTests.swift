import EventSourcing
import Testing

@testable import Appliance

/// Which events a consumer takes, as the file says it.
@Suite struct FilterConfigurationTests {
    private func filter(_ more: String, _ environment: [String: String] = [:]) throws -> EventFilter {
        let loaded = try ConfigurationFileTests.read(
            "consumers: { a: { topic: t\(more) } }", environment: environment, needs: [])
        return try #require(loaded.configuration.consumers.first).scope.filter
    }

    private func problems(_ more: String) -> [String] {
        ConfigurationFileTests.problems("consumers: { a: { topic: t\(more) } }", needs: [])
    }

    @Test func `without a filter all events are taken`() throws { #expect(try filter("") == .none) }

    @Test func `event types are names and patterns, in the file and in the environment`() throws {
        let wanted = EventFilter(eventTypes: ["Order*", "Paid"], exceptEventTypes: ["*Draft"])
        #expect(try filter(", event_types: [Order*, Paid], except_event_types: [\"*Draft\"]") == wanted)
        let variables = [
            "GODWIT_CONSUMERS_A_EVENT_TYPES": "Order*,Paid", "GODWIT_CONSUMERS_A_EXCEPT_EVENT_TYPES": "*Draft",
        ]
        #expect(try filter("", variables) == wanted)
    }

    @Test func `a list in the environment may be written as in the file`() throws {
        let variables = ["GODWIT_CONSUMERS_A_EVENT_TYPES": "[A, 'B, c']"]
        #expect(try filter("", variables) == EventFilter(eventTypes: ["A", "B, c"]))
    }

    @Test func `conditions name places, each with a value or several`() throws {
        let found = try filter(
            """
            , where: { /country: [DE, AT], /n: 10, /none: null }, where_metadata: { /a~1b: x }, except_where: { "": true }, \
            except_where_metadata: { /t: ["null"] }
            """)
        func condition(_ part: EventCondition.Part, _ pointer: String, _ values: [String], not: Bool = false) throws
            -> EventCondition
        {
            EventCondition(part, try JSONPointer(pointer), oneOf: values, isExclusion: not)
        }
        #expect(
            found.conditions == [
                try condition(.payload, "/country", ["DE", "AT"]), try condition(.payload, "/n", ["10"]),
                try condition(.payload, "/none", ["null"]), try condition(.metadata, "/a~1b", ["x"]),
                try condition(.payload, "", ["true"], not: true),
                try condition(.metadata, "/t", ["\"null\""], not: true),
            ])
    }

    @Test func `a text in quotes is a text alone`() throws {
        let found = try filter(", where: { /a: ['10', DE, 'DE', \"1e1\", '01'] }")
        #expect(found.conditions.map(\.values) == [["\"10\"", "DE", "DE", "\"1e1\"", "\"01\""]])
    }

    @Test(arguments: ["+5", "0x10", ".5", "5.", ".inf", "-.inf", ".nan", "0o7", "+1.5e3"])
    func `what YAML takes for a number and JSON does not is refused`(_ number: String) {
        let problems = problems(", where: { /a: [DE, \(number)] }")
        #expect(
            problems.count == 1 && problems[0].contains("\(number), which is no number as JSON writes it"),
            "\(problems)")
        #expect(self.problems(", where: { /a: ['\(number)'] }").isEmpty)
    }

    @Test func `values of JSON may be spelled as YAML spells them`() throws {
        let found = try filter(", where: { /a: [True, FALSE, ~, 'True'], /b: Null }")
        #expect(found.conditions.map(\.values) == [["true", "false", "null", "True"], ["null"]])
    }

    @Test(arguments: [
        (", where: { /a: }", "a text or a list"), (", where: { country: DE }", "begins with `/`"),
        (", where: { /a~2: DE }", "`~0`"),
        (", where: { /a: [] }", "a text or a list"), (", where: { /a: { b: c } }", "a text or a list"),
        (", where: { /a: [[1]] }", "a text or a list"), (", where: [/a]", "must be a mapping"),
        (", event_types: Order", "must be a list"),
        (", event_types: [Order, Paid], except_event_types: [\"P*\"]", "names Paid, which \"except_event_types\""),
    ])
    func `what cannot be meant is refused by name`(more: String, word: String) {
        let found = problems(more)
        #expect(found.count == 1 && found[0].contains(word), "\(found)")
    }
}
