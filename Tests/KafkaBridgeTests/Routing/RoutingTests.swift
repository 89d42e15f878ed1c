import Testing

@testable import KafkaBridge

@Suite struct RoutingTests {
    private func fields(_ context: String, _ type: String, _ event: String = "E") -> RouteFields {
        RouteFields(boundedContext: context, aggregateType: type, eventType: event)
    }

    @Test(arguments: [
        ("identity.*", "identity.users", true), ("identity.*", "identity.", true), ("identity.*", "billing.x", false),
        ("*", "anything", true), ("a*c", "abc", true), ("a*c", "acd", false), ("*.users", "identity.users", true),
        ("a*b*c", "a1b2b3c", true), ("a*b*c", "a1c", false), ("exact", "exact", true), ("exact", "exactly", false),
        ("**", "x", true), ("", "x", false),
    ])
    func `globs match whole names`(_ pattern: String, _ name: String, _ matches: Bool) throws {
        #expect(TopicAllowlist([pattern]).allows(try TopicName(sanitizing: name)) == matches)
    }

    @Test func `without patterns everything is allowed`() throws {
        #expect(TopicAllowlist([]).allows(try TopicName(sanitizing: "x")))
        #expect(!TopicAllowlist(["a", "b"]).allows(try TopicName(sanitizing: "x")))
    }

    @Test func `a topic outside of the allowlist is an error`() throws {
        let route = Route(topic: try TopicTemplate("{bounded_context}.x"), allowlist: TopicAllowlist(["Identity.*"]))
        var router = Router(route)
        #expect(router.topic(for: fields("Identity", "A")) == .success(0))
        #expect(router.topic(for: fields("Billing", "A")) == .failure(.notAllowed("Billing.x")))
    }

    @Test func `two inputs for one topic are found`() throws {
        var router = Router(Route(topic: try TopicTemplate("{bounded_context}.{aggregate_type}")))
        #expect(router.topic(for: fields("a b", "c")) == .success(0))
        #expect(router.topic(for: fields("a b", "c")) == .success(0))
        // Made the same by sanitizing, by where the dot falls, and by what metrics make of dots.
        for other in [fields("a/b", "c"), fields("a_b", "c")] {
            guard case .failure(.collision(let collision)) = router.topic(for: other) else {
                Issue.record("no collision for \(other)")
                continue
            }
            #expect(collision.topic == "a_b.c")
        }
        #expect(router.topic(for: fields("x.y", "z")) == .success(1))
        guard case .failure(.collision) = router.topic(for: fields("x", "y.z")) else {
            Issue.record("no collision where the dot falls elsewhere")
            return
        }
        guard case .failure(.collision) = router.topic(for: fields("x_y", "z")) else {
            Issue.record("no collision of a dot and an underscore")
            return
        }
    }

    @Test func `fields that the template does not use may differ`() throws {
        var router = Router(Route(topic: try TopicTemplate("{bounded_context}")))
        #expect(router.topic(for: fields("a", "b", "c")) == .success(0))
        #expect(router.topic(for: fields("a", "d", "e")) == .success(0))
    }

    @Test func `event types may have topics of their own`() throws {
        let route = Route(
            topic: try TopicTemplate("all"),
            topicsByEventType: ["Secret": try TopicTemplate("{bounded_context}.secret")])
        var router = Router(route)
        #expect(router.topic(for: fields("A", "B", "Plain")) == .success(0))
        #expect(router.topic(for: fields("A", "B", "Secret")) == .success(1))
        #expect(router.topics.map(\.description) == ["all", "A.secret"])
        #expect(route.fixedTopics.map(\.description) == ["all"])
    }

    @Test func `a topic written out may meet a made one`() throws {
        let route = Route(
            topic: try TopicTemplate("{bounded_context}.events"),
            topicsByEventType: ["Other": try TopicTemplate("Identity.events")])
        var router = Router(route)
        #expect(router.topic(for: fields("Identity", "B", "Other")) == .success(0))
        #expect(router.topic(for: fields("Identity", "B", "Plain")) == .success(0))
    }
}
