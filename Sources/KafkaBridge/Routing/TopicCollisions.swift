package import EventSourcing

/// Finds stored names that lead to one topic without an operator having written it, or to two that brokers refuse to have
/// both, before such events come.
package struct TopicCollisions: Sendable {
    /// A consumer whose events go to topics.
    package struct Consumer: Sendable {
        let name: String
        let route: Route
        let scope: EventScope

        package init(name: String, route: Route, scope: EventScope) {
            self.name = name
            self.route = route
            self.scope = scope
        }
    }

    /// One sentence each, at most so many.
    package private(set) var texts: [String] = []
    package static let most = 20

    /// The topics of all consumers, by what brokers know them by in their metrics.
    private var topics: [String: (topic: TopicName, consumer: String)] = [:]

    /// - Parameter names: those that stored events have.
    package init(_ consumers: [Consumer], _ names: Set<EventName>) {
        let names = names.sorted { ($0.boundedContext, $0.aggregateType) < ($1.boundedContext, $1.aggregateType) }
        for consumer in consumers { add(consumer, names) }
    }

    private mutating func add(_ consumer: Consumer, _ names: [EventName]) {
        var registry = TopicRegistry()
        var seen: Set<TopicName> = []
        for topic in consumer.route.fixedTopics.sorted(by: { $0.description < $1.description }) {
            if seen.insert(topic).inserted { enter(topic, of: consumer) }
        }
        // What the events of a name are called beside is not known, and the same for all.
        let others = consumer.route.topicsByEventType.sorted { $0.key < $1.key }.map { ($0.value, $0.key) }
        let templates = ([(consumer.route.topic, "…")] + others).filter { !$0.0.fields.isEmpty }
        for name in names where consumer.scope.contains(name) {
            for (template, eventType) in templates {
                let fields = RouteFields(
                    boundedContext: name.boundedContext, aggregateType: name.aggregateType, eventType: eventType)
                guard let topic = try? template.render(fields), consumer.route.allowlist.allows(topic) else { continue }
                do throws(TopicRegistry.Collision) {
                    try registry.enter(topic, inputs: template.inputs(fields))
                } catch {
                    report("consumer \(consumer.name): \(error)")
                    continue
                }
                if seen.insert(topic).inserted { enter(topic, of: consumer) }
            }
        }
    }

    private mutating func enter(_ topic: TopicName, of consumer: Consumer) {
        let known = topics[topic.metricName] ?? (topic, consumer.name)
        topics[topic.metricName] = known
        // Within one consumer the registry has seen it.
        guard known.topic != topic, known.consumer != consumer.name else { return }
        report(
            "the consumers \(known.consumer) and \(consumer.name) lead to the topics `\(known.topic)` and `\(topic)`, which "
                + "differ in `.` and `_` only: brokers refuse to have both; change one of the templates")
    }

    private mutating func report(_ text: String) {
        if texts.count < Self.most, !texts.contains(text) { texts.append(text) }
    }
}
