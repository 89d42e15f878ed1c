import EventSourcing
import Testing

@testable import KafkaBridge

@Suite struct TopicCollisionsTests {
    private func texts(
        _ consumers: [(name: String, topic: String, scope: EventScope)], _ names: [(String, String)],
        topics: [String: String] = [:]
    ) throws -> [String] {
        let all = try consumers.map { consumer in
            TopicCollisions.Consumer(
                name: consumer.name,
                route: Route(
                    topic: try TopicTemplate(consumer.topic),
                    topicsByEventType: try topics.mapValues { try TopicTemplate($0) }),
                scope: consumer.scope)
        }
        return TopicCollisions(all, Set(names.map { EventName(boundedContext: $0.0, aggregateType: $0.1) })).texts
    }

    @Test func `stored names that sanitizing makes one topic are named, with the topic and the consumer`() throws {
        let found = try texts(
            [("a", "orders.{aggregate_type}", .all)],
            [("Shop", "Order item/π"), ("Shop", "Order_item__"), ("Shop", "User"), ("Other", "User")])
        #expect(found.count == 1)
        #expect(
            found.first?.hasPrefix("consumer a: `Order item/π` and `Order_item__` would both go to the topic ") == true)
        #expect(found.first?.contains("`orders.Order_item__`") == true)
    }

    @Test func `what the operator has written, or the scope leaves out, is none`() throws {
        let names = [("Shop", "Order item/π"), ("Shop", "Order_item__")]
        #expect(try texts([("a", "orders", .all)], names).isEmpty)
        #expect(
            try texts([("a", "{aggregate_type}", EventScope(aggregateTypes: ["Order_item__"]))], names).isEmpty)
        // Contexts that only differ in what the template does not use.
        #expect(try texts([("a", "{aggregate_type}", .all)], [("A", "User"), ("B", "User")]).isEmpty)
    }

    @Test func `templates over the event type, and topics of single types, are looked at too`() throws {
        let names = [("A b", "User"), ("A_b", "User")]
        #expect(try texts([("a", "x.{bounded_context}.{event_type}", .all)], names).count == 1)
        #expect(try texts([("a", "x", .all)], names, topics: ["Erased": "y.{bounded_context}"]).count == 1)
    }

    @Test func `topics of two consumers that differ in a dot and an underscore only are named`() throws {
        let names = [("shop", "User")]
        let found = try texts(
            [("a", "{bounded_context}.{aggregate_type}", .all), ("b", "{bounded_context}_{aggregate_type}", .all)],
            names)
        #expect(found.count == 1 && found[0].contains("`shop.User` and `shop_User`"))
        #expect(
            try texts([("a", "shop.User", .all), ("b", "{bounded_context}_{aggregate_type}", .all)], names).count == 1)
        #expect(try texts([("a", "{aggregate_type}", .all), ("b", "{aggregate_type}", .all)], names).isEmpty)
    }
}
