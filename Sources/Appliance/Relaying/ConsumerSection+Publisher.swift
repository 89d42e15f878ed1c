import EventSourcing
import KafkaBridge

extension ConsumerSection {
    /// The topics that are known before the first event.
    var fixedTopics: [TopicName] {
        guard case .deadLetterTopic(let topic) = onPoison else { return route?.fixedTopics ?? [] }
        return (route?.fixedTopics ?? []) + [topic]
    }

    var route: Route? {
        topic.map {
            Route(
                topic: $0, topicsByEventType: topics, allowlist: topicsAllowed, key: key,
                headers: HeaderNames(prefix: headerPrefix), standardHeaders: headers,
                metadataHeaders: MetadataHeaders(metadataHeaders, prefix: headerPrefix), format: format)
        }
    }

    /// How the consumer publishes to Kafka.
    ///
    /// - Parameter deadLetters: where halts and parked events are noted; a job notes none.
    /// - Throws: where the configuration was refused and used nevertheless.
    func publisherOptions(
        _ kafka: KafkaSection, deadLetters: DeadLetterStore? = nil
    ) throws(Failure) -> KafkaPublisherOptions {
        guard let route else { throw Failure(.configuration, "\"consumers.\(name).topic\" is required") }
        return KafkaPublisherOptions(
            name: name, scope: EventScope(aggregateTypes: aggregateTypes, boundedContexts: boundedContexts),
            client: kafka.client("godwit-\(name)"), route: route, topics: kafka.topics,
            maximumRecordBytes: kafka.maximumRecordBytes, onPoison: onPoison, deadLetters: deadLetters)
    }
}
