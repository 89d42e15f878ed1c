import EventSourcing
import Kafka
import KafkaBridge

/// A topic that is known before the first event, as the configuration has it.
struct ConfiguredTopic: Sendable {
    /// How many partitions it should have at least: as many as it would be made with, or as its consumer has segments.
    let partitions: Int
    /// How it is made; nil where topics are not made.
    let specification: TopicSpecification?
    /// The settings that it should have.
    let settings: [String: String]
}

extension Configuration {
    /// The topics that are known before the first event, by name.
    var configuredTopics: [String: ConfiguredTopic] {
        var topics: [String: ConfiguredTopic] = [:]
        for consumer in consumers {
            let own = consumer.topicSettings
            let settings = kafka.topicSettings.settings.merging(own.settings) { $1 }
            for topic in consumer.route?.fixedTopics ?? [] {
                let specification = own.over(kafka.topics).specification(topic.description)
                topics[topic.description] = ConfiguredTopic(
                    partitions: specification?.partitions ?? own.partitions ?? consumer.totalSegments,
                    specification: specification, settings: settings)
            }
            guard case .deadLetterTopic(let topic) = consumer.onPoison else { continue }
            let specification = kafka.topics.deadLetters.specification(topic.description)
            topics[topic.description] = ConfiguredTopic(
                partitions: specification?.partitions ?? consumer.totalSegments, specification: specification,
                settings: kafka.topicSettings.settings.filter { $0.key != "cleanup.policy" })
        }
        return topics
    }

    /// The consumers as their topics are looked at for collisions.
    var topicConsumers: [TopicCollisions.Consumer] {
        consumers.compactMap { consumer in
            guard let route = consumer.route, let scope = scopes[consumer.name] else { return nil }
            return TopicCollisions.Consumer(name: consumer.name, route: route, scope: scope)
        }
    }

    /// Stored names that lead to one topic, or to two that brokers refuse to have both.
    ///
    /// - Returns: sentences; none where the names could not be read quickly.
    func topicCollisions() async -> [String] {
        // Topics without fields are compared when the configuration is read.
        guard consumers.contains(where: { $0.fixedTopics.isEmpty || !$0.topics.isEmpty }) else { return [] }
        let table = EventsTable(database.tables.source)
        let names = try? await database.withConnection { try await table.readNames(on: $0) }
        return names.map { TopicCollisions(topicConsumers, $0).texts } ?? []
    }
}
