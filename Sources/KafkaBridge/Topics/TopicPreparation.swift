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
            guard Self.isAbsence(error), case .create(let partitions, let replicationFactor, let settings) = policy
            else { throw error }
            let missing = names.map { name in
                TopicSpecification(
                    name, partitions: partitions, replicationFactor: replicationFactor, settings: settings)
            }
            try await create(missing)
            return try await Self.whileNew { () throws(KafkaError) in try await producer.prepare(names) }
        }
    }

    /// A new topic shows at once nowhere but in the controller: brokers hear of it a moment later, each for itself.
    private static func whileNew<Answer>(
        _ ask: () async throws(KafkaError) -> Answer
    ) async throws(KafkaError) -> Answer {
        let deadline = ContinuousClock.now + .seconds(5)
        while true {
            do throws(KafkaError) { return try await ask() } catch {
                guard isAbsence(error), ContinuousClock.now < deadline else { throw error }
                do { try await Task.sleep(for: .milliseconds(20)) } catch _ { throw error }
            }
        }
    }

    private static func isAbsence(_ error: KafkaError) -> Bool {
        error.code == .unknownTopicOrPartition || error.code == .localUnknownTopic
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
            // Asked of topics that somebody has seen.
            let settings = try await Self.whileNew { () throws(KafkaError) in try await admin.topicSettings(topic) }
            return settings["max.message.bytes"].flatMap { Int($0) }
        } catch {
            if error.classification.kind == .retry { throw error }
            return nil
        }
    }
}
