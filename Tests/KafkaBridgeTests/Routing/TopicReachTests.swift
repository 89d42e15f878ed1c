import TestSupport
import Testing

@testable import KafkaBridge

@Suite struct TopicReachTests {
    private func meets(_ template: String, _ patterns: [String], _ known: [TopicTemplate.Field: [String]] = [:]) throws
        -> Bool
    {
        TopicReach(try TopicTemplate(template), known: known).meets(TopicAllowlist(patterns))
    }

    @Test(arguments: [
        ("x.{aggregate_type}", ["y.*"], false), ("x.{aggregate_type}", ["y.*", "x.*"], true),
        ("x.{aggregate_type}", ["x."], false),
        ("{aggregate_type}.x", ["*.y"], false), ("{aggregate_type}.x", ["*x"], true), ("x", ["y"], false),
        ("x", ["x"], true),
        ("a.{event_version}", ["a.v*"], false), ("a.{event_version}", ["a.-1"], true),
        ("{event_type|lower}", ["User*"], false),
        ("{event_type|upper}", ["user*"], false), ("{event_type|upper|lower}", ["user*"], true),
        ("{event_type|kebab}", ["user-named"], true), ("a{event_type|kebab}", ["a"], true),
        ("a{event_type}", ["a"], false),
        ("{bounded_context}-{event_type}", ["*.*"], true), ("x", ["**"], true), ("x", [""], false), ("x", [], true),
        ("{event_type}", ["a b"], false), ("a{event_type}b{event_type}c", ["a*b*d"], false),
    ])
    func `whether some name is allowed is known before any event`(
        template: String, patterns: [String], expected: Bool
    ) throws {
        #expect(try meets(template, patterns) == expected)
    }

    @Test func `the values that a scope names narrow it`() throws {
        let known: [TopicTemplate.Field: [String]] = [.aggregateType: ["Order", "Order Line"]]
        #expect(try meets("x.{aggregate_type}", ["x.User"], known) == false)
        #expect(try meets("x.{aggregate_type}", ["x.Order_Line"], known))
        #expect(try meets("x.{aggregate_type|kebab}", ["x.order-line"], known))
        #expect(TopicReach(try TopicTemplate("x.{aggregate_type}"), known: known).isExact)
        #expect(!TopicReach(try TopicTemplate("x.{event_type}"), known: known).isExact)
        #expect(TopicReach(try TopicTemplate("x")).isExact)
    }

    @Test func `no name that an event makes is ever taken for impossible`() throws {
        let words = [
            "a", "b.", "A", "*", "-1", "{event_type}", "{aggregate_type|lower}", "{event_version}",
            "{bounded_context|kebab}",
            "{aggregate_type|upper}",
        ]
        let values = ["a", "b.", "A-b", "fooBar", "_", "-", "é!", "ab", "B"]
        for seed in seeds(300, of: "topics that templates reach") {
            var random = Seeded(seed)
            func text(_ choices: [String]) -> String {
                (0..<Int.random(in: 1...4, using: &random)).map { _ in choices.randomElement(using: &random) ?? "" }
                    .joined()
            }
            let template = try TopicTemplate(text(words.filter { $0 != "*" }))
            let pattern = text(words.filter { !$0.hasPrefix("{") })
            let allowlist = TopicAllowlist([pattern])
            let reach = TopicReach(template)
            for _ in 0..<20 {
                let fields = RouteFields(
                    boundedContext: text(values), aggregateType: text(values), eventType: text(values),
                    eventVersion: Int32.random(in: -2...12, using: &random))
                guard let name = try? template.render(fields) else { continue }
                #expect(reach.contains(name), "seed \(seed): \(template) makes \(name)")
                let exact = TopicReach(
                    template,
                    known: [
                        .boundedContext: [fields.boundedContext], .aggregateType: [fields.aggregateType],
                        .eventType: [fields.eventType], .eventVersion: ["\(fields.eventVersion)"],
                    ])
                #expect(exact.isExact && exact.contains(name), "seed \(seed): \(template) makes \(name)")
                #expect(exact.meets(allowlist) == allowlist.allows(name), "seed \(seed): \(name) and \(pattern)")
                if allowlist.allows(name) { #expect(reach.meets(allowlist), "seed \(seed): \(template), \(pattern)") }
            }
        }
    }
}
