import Kafka
import Logging

/// Makes topics usable for a producer: creates them where that is the policy, and looks at their partitions.
struct TopicPreparation: Sendable {
    let client: ClientConfiguration
    let policy: TopicPolicy
    let logger: Logger

    /// One attempt. Brokers that cannot be reached are waited for.
    ///
    /// - Throws: What is missing: the topic, or the right to see, use or create it.
    func prepare(_ topics: [TopicName], on producer: Producer) async throws(KafkaError) -> [TopicHandle] {
        let names = topics.map(\.description)
        do {
            return try await producer.prepare(names)
        } catch {
            guard error.code == .unknownTopicOrPartition || error.code == .localUnknownTopic,
                case .create(let partitions, let replicationFactor, let settings) = policy
            else { throw error }
            let missing = names.map { name in
                TopicSpecification(
                    name, partitions: partitions, replicationFactor: replicationFactor, settings: settings)
            }
            try await create(missing)
            return try await producer.prepare(names)
        }
    }

    private func create(_ topics: [TopicSpecification]) async throws(KafkaError) {
        let results = try await Admin.with(client, logger: logger) { admin throws(KafkaError) in
            try await admin.createTopics(topics)
        }
        for topic in topics {
            if let error = results[topic.name] ?? nil {
                if error.code == .topicAlreadyExists { continue }
                throw error
            }
            logger.notice(
                "created the topic", metadata: ["topic": "\(topic.name)", "partitions": "\(topic.partitions)"])
        }
    }

    /// The `max.message.bytes` of each topic, `nil` where it may not be read.
    ///
    /// - Throws: what passes by itself.
    func limits(of topics: [String]) async throws(KafkaError) -> [Int?] {
        try await Admin.with(client, logger: logger) { admin throws(KafkaError) in
            var limits: [Int?] = []
            for topic in topics { limits.append(try await limit(of: topic, admin)) }
            return limits
        }
    }

    private func limit(of topic: String, _ admin: Admin) async throws(KafkaError) -> Int? {
        do {
            return try await admin.topicSettings(topic)["max.message.bytes"].flatMap { Int($0) }
        } catch {
            if error.classification.kind == .retry { throw error }
            return nil
        }
    }
}
