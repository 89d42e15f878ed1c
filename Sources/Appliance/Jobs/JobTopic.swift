import KafkaBridge

/// Which topics a job may publish to, beside its consumer's own.
///
/// What an operator names is allowed, also where the live consumer may not write to it: the name itself is the confirmation.
/// It is refused where another consumer of the configuration publishes to the topic, whose readers expect that consumer's
/// records alone, and where the topic holds something else: dead letters, or the progress of exactly-once delivery.
struct JobTopic: Sendable {
    let template: TopicTemplate

    /// - Throws: where the text is no template.
    init(_ text: String) throws(Failure) {
        do throws(TopicTemplateError) {
            template = try TopicTemplate(text)
        } catch {
            throw Failure(.usage, "the topic \(text) cannot be used: \(error)")
        }
    }

    /// The consumer's own allowlist holds as far as the template leads into it; else the template is its own.
    func allowlist(_ own: TopicAllowlist) -> TopicAllowlist {
        TopicReach(template).meets(own) ? own : TopicAllowlist([])
    }

    /// - Throws: where the topic, or one that the template may lead to, is another's.
    func check(for consumer: ConsumerSection, among consumers: [ConsumerSection]) throws(Failure) {
        let reach = TopicReach(template, known: consumer.knownFields)
        for other in consumers {
            if case .exactlyOnce(let progress) = other.delivery, reach.contains(progress) {
                throw refusal("\(progress) holds the progress of the consumer \(other.name)")
            }
            if case .deadLetterTopic(let topic) = other.onPoison, reach.contains(topic) {
                throw refusal("\(topic) holds the dead letters of the consumer \(other.name)")
            }
            if other.name == consumer.name { continue }
            for used in [other.topic].compactMap(\.self) + other.topics.values where meets(reach, used, of: other) {
                throw refusal("the consumer \(other.name) publishes to \(used)")
            }
        }
    }

    private func meets(_ reach: TopicReach, _ other: TopicTemplate, of consumer: ConsumerSection) -> Bool {
        let pattern = other.pattern
        // A template of fields alone can lead to any topic: nothing is known by it, but for what it is allowed.
        if pattern == "*" { return !consumer.topicsAllowed.patterns.isEmpty && reach.meets(consumer.topicsAllowed) }
        guard reach.meets(TopicAllowlist([pattern])), reach.meets(consumer.topicsAllowed) else { return false }
        guard template.fields.isEmpty, let name = try? TopicName(sanitizing: template.description) else { return true }
        return TopicReach(other, known: consumer.knownFields).contains(name)
    }

    private func refusal(_ reason: String) -> Failure {
        Failure(.usage, "a job cannot publish to \(template): \(reason); choose another topic")
    }
}

extension ConsumerSection {
    /// The values that fields of its events can have, as far as the configuration shows.
    fileprivate var knownFields: [TopicTemplate.Field: [String]] {
        var known: [TopicTemplate.Field: [String]] = [:]
        if !boundedContexts.isEmpty { known[.boundedContext] = boundedContexts }
        if !aggregateTypes.isEmpty { known[.aggregateType] = aggregateTypes }
        return known
    }
}
