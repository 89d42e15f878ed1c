import EventSourcing
import FoundationEssentials
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
                headers: HeaderNames(prefix: headerPrefix, renamed: renamedHeaders), standardHeaders: headers,
                metadataHeaders: metadataHeaderSettings,
                addedHeaders: AddedHeaders(addedHeaders, prefix: headerPrefix), traceHeaders: traceHeaders,
                format: format, projection: projection, tombstones: tombstones, partition: partition,
                partitioner: partitioner)
        }
    }

    private var metadataHeaderSettings: MetadataHeaders {
        guard takesAllMetadata else { return MetadataHeaders(metadataHeaders, prefix: headerPrefix) }
        // What the configuration calls a header is no member's.
        return .all(prefix: headerPrefix, taken: renamedHeaders.values + addedHeaders.map(\.name))
    }

    /// How the consumer publishes to Kafka.
    ///
    /// - Parameters:
    ///   - deadLetters: where halts and parked events are noted; a job notes none.
    ///   - transactions: what the database knows of exactly-once delivery; a job that publishes again delivers at least once.
    ///   - instance: distinguishes this process from all others in its transactional id; `nil` makes a name up.
    /// - Throws: where the configuration was refused and used nevertheless.
    func publisherOptions(
        _ kafka: KafkaSection, deadLetters: DeadLetterStore? = nil, transactions: TransactionStore? = nil,
        instance: String? = nil
    ) throws(Failure) -> KafkaPublisherOptions {
        guard let route else { throw Failure(.configuration, "\"consumers.\(name).topic\" is required") }
        var options = KafkaPublisherOptions(
            name: name, scope: scope,
            client: kafka.client("godwit-\(name)"), route: route,
            topics: topicSettings.over(kafka.topics), maximumRecordBytes: kafka.maximumRecordBytes, onPoison: onPoison,
            deadLetters: deadLetters)
        options.auxiliaryTopics = kafka.topics.deadLetters
        if case .exactlyOnce(let topic) = delivery, let transactions {
            // Of this process alone, so that a former one is told apart from this one.
            let id = "\(kafka.transactionalIDPrefix)-\(name)-\(instance ?? UUID().uuidString.lowercased())"
            options.exactlyOnce = ExactlyOnceOptions(
                progressTopic: topic, transactionalID: id, transactionTimeout: kafka.transactionTimeout,
                totalSegments: totalSegments, store: transactions)
        }
        return options
    }
}
