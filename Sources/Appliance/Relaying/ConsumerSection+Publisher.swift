import EventSourcing
import KafkaBridge

extension ConsumerSection {
    /// The topics that are known before the first event.
    var fixedTopics: [TopicName] { route?.fixedTopics ?? [] }

    private var route: Route? {
        topic.map {
            Route(
                topic: $0, allowlist: topicsAllowed, key: key, headers: HeaderNames(prefix: headerPrefix),
                metadataHeaders: MetadataHeaders(metadataHeaders, prefix: headerPrefix), format: format)
        }
    }

    /// How the consumer publishes to Kafka.
    ///
    /// - Throws: where the configuration was refused and used nevertheless.
    func publisherOptions(_ kafka: KafkaSection) throws(Failure) -> KafkaPublisherOptions {
        guard let route else { throw Failure(.configuration, "\"consumers.\(name).topic\" is required") }
        return KafkaPublisherOptions(
            name: name, scope: EventScope(aggregateTypes: aggregateTypes, boundedContexts: boundedContexts),
            client: kafka.client("godwit-\(name)"), route: route, topics: kafka.topics,
            maximumRecordBytes: kafka.maximumRecordBytes)
    }
}
