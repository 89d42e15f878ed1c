import Testing

@testable import Appliance

@Suite struct TopicChecksTests {
    private func codes(_ consumers: String) -> [ConfigurationProblem.Code] {
        ConfigurationLevelsTests.codes("consumers:\n\(consumers)")
    }

    @Test(arguments: [
        "topic: \"x.{aggregate_type}\", topics_allowed: [\"y.*\"]", "topic: x, topics_allowed: [y]",
        "topic: x, topics: { E: \"z.{event_type}\" }, topics_allowed: [x, z.F]",
        "topic: \"x.{aggregate_type|lower}\", topics_allowed: [\"x.Order\"]",
        "topic: \"x.{aggregate_type}\", topics_allowed: [x.User], aggregate_types: [Order, Invoice]",
        "topic: \"x.{event_version}\", topics_allowed: [\"x.v*\"]",
    ])
    func `a topic that can never be allowed is an error`(consumer: String) {
        #expect(codes("  a: { \(consumer) }") == [.topicNotAllowed])
    }

    @Test(arguments: [
        "topic: \"x.{aggregate_type}\", topics_allowed: [\"y.*\", \"x.*\"]", "topic: x",
        "topic: \"x.{aggregate_type}\", topics_allowed: [x.Order], aggregate_types: [Order]",
        "topic: \"{bounded_context}\", topics_allowed: [\"*\"]", "topic: x, topics: { E: y }, topics_allowed: [x, y]",
    ])
    func `a topic that can be allowed is none`(consumer: String) {
        #expect(codes("  a: { \(consumer) }").isEmpty)
    }

    @Test func `a part of the scope that leads to no allowed topic is a warning`() {
        let found = ConfigurationLevelsTests.found(
            "consumers: { a: { topic: \"x.{aggregate_type}\", topics_allowed: [x.Order], aggregate_types: [Order, User] } }"
        )
        #expect(found.map(\.code) == [.topicPartlyNotAllowed])
        #expect(found[0].message.contains("aggregate_type is User"))
    }

    @Test func `a pattern that no name matches is a warning`() {
        #expect(codes("  a: { topic: x, topics_allowed: [x, \"a b*\", \"y/*\"] }") == [.patternUnused, .patternUnused])
    }

    @Test(arguments: ["..", ".", "__consumer_offsets", "__transaction_state", String(repeating: "a", count: 250)])
    func `a topic that Kafka never takes is an error`(topic: String) {
        #expect(codes("  a: { topic: \"\(topic)\" }") == [.topic])
    }

    @Test(arguments: [
        "a: { topic: t, on_poison: dead_letter_topic, dead_letter_topic: t }",
        "a: { topic: t, topics: { E: dead }, on_poison: dead_letter_topic, dead_letter_topic: dead }",
        "a: { topic: t, on_poison: dead_letter_topic, dead_letter_topic: other }, b: { topic: other }",
        "a: { topic: t, on_poison: dead_letter_topic, dead_letter_topic: o.E }, b: { topic: t2, topics: { E: \"o.{event_type}\" } }",
        "a: { topic: t, on_poison: dead_letter_topic, dead_letter_topic: o.X }, b: { topic: \"o.{bounded_context}\", bounded_contexts: [X] }",
        "a: { topic: t, on_poison: dead_letter_topic, dead_letter_topic: __consumer_offsets }",
    ])
    func `a dead-letter topic that receives events too is an error`(consumers: String) {
        #expect(ConfigurationLevelsTests.codes("consumers: { \(consumers) }") == [.deadLetterTopic])
    }

    @Test func `a dead-letter topic that a template can make is a warning, unless it is bounded`() {
        let dead = "on_poison: dead_letter_topic, dead_letter_topic: x.dead"
        #expect(codes("  a: { topic: \"x.{aggregate_type}\", \(dead) }") == [.deadLettersMixed])
        #expect(codes("  a: { topic: t, \(dead) }\n  b: { topic: \"{aggregate_type}\" }") == [.deadLettersMixed])
        #expect(codes("  a: { topic: \"y.{aggregate_type}\", \(dead) }").isEmpty)
        #expect(codes("  a: { topic: \"x.{aggregate_type|upper}\", \(dead) }").isEmpty)
        #expect(codes("  a: { topic: \"x.{aggregate_type}\", topics_allowed: [\"x.O*\"], \(dead) }").isEmpty)
        #expect(codes("  a: { topic: \"x.{aggregate_type}\", aggregate_types: [Order], \(dead) }").isEmpty)
        // Dead letters of several consumers may share a topic.
        #expect(codes("  a: { topic: t, \(dead) }\n  b: { topic: u, \(dead) }").isEmpty)
    }

    @Test(arguments: [
        "topic: \"{aggregate_type}\", aggregate_types: [Order, \"..\"]",
        "topic: \"x.{aggregate_type}\", aggregate_types: [Order, \"\(String(repeating: "a", count: 248))\"]",
        "topic: x, topics: { E: \"{bounded_context}\" }, bounded_contexts: [\".\"]",
    ])
    func `a part of the scope that no topic's name can hold is an error`(consumer: String) {
        #expect(codes("  a: { \(consumer) }") == [.topic])
    }

    @Test func `it names the value, at the line of the scope`() {
        let found = ConfigurationLevelsTests.found(
            "consumers:\n  a:\n    topic: \"{aggregate_type}\"\n    aggregate_types: [Order, \"..\"]\n")
        #expect(found.count == 1 && found.first?.line.hasPrefix("godwit.yaml:4:") == true, "\(found)")
        #expect(found.first?.message.contains("holds \"..\"") == true)
        #expect(found.first?.message.contains("`..` is not a topic's name") == true)
    }

    @Test(arguments: [
        "topic: \"x.{aggregate_type}\", aggregate_types: [Order, \"..\"]",
        "topic: \"{aggregate_type}\", aggregate_types: [\"Order/Line\", \"Größe\"]",
        "topic: t, aggregate_types: [\"..\"]",
    ])
    func `what a name can hold, or none is made of, is none`(consumer: String) {
        #expect(codes("  a: { \(consumer) }").isEmpty)
    }

    @Test(arguments: [
        "a: { topic: x.y }, b: { topic: x_y }", "a: { topic: x.y, topics: { E: x_y } }",
        "a: { topic: x.y, on_poison: dead_letter_topic, dead_letter_topic: x_y }",
    ])
    func `topics that brokers take for one are a warning`(consumers: String) {
        let found = ConfigurationLevelsTests.found("consumers: { \(consumers) }")
        #expect(found.map(\.code) == [.topicsCollide])
        let message = found.first?.message ?? ""
        #expect(message.contains("x_y") && message.contains("x.y"))
        #expect(ConfigurationLevelsTests.codes("consumers: { \(consumers.replacing("x_y", with: "x.y.z")) }").isEmpty)
    }
}
