import Kafka
import KafkaBridge
import Logging

/// Finds out the facts about a cluster. Nothing is written.
struct KafkaExamination: Sendable {
    let client: ClientConfiguration
    /// The topics that are known before the first event.
    let topics: [String]
    let policy: TopicPolicy

    /// - Throws: when no broker can be asked.
    func take() async throws(KafkaError) -> KafkaFacts {
        try await Admin.with(client, logger: Logger(label: "godwit.doctor")) { admin throws(KafkaError) in
            try await facts(admin)
        }
    }

    private func facts(_ admin: Admin) async throws(KafkaError) -> KafkaFacts {
        var facts = KafkaFacts()
        let cluster = try await admin.describeCluster(within: .seconds(10))
        facts.brokerCount = cluster.brokers.count
        for broker in cluster.brokers.sorted(by: { $0.id < $1.id }) {
            if let reason = await ListenerProbe.failure(of: broker.address) {
                facts.unreachable.append(.init(id: broker.id, address: broker.address, reason: reason))
            }
        }
        for description in try await admin.describeTopics(topics) {
            facts.topics.append(await topic(description, admin, asksMore: facts.unreachable.isEmpty))
        }
        return facts
    }

    /// - Parameter asksMore: Questions that a certain broker must answer wait in vain where one cannot be reached.
    private func topic(_ description: TopicDescription, _ admin: Admin, asksMore: Bool) async -> KafkaFacts.Topic {
        var topic = KafkaFacts.Topic(name: description.name)
        topic.partitions = description.partitionCount
        topic.replicationFactor = description.replicationFactor
        switch description.error?.code {
        case nil: break
        case .unknownTopicOrPartition, .localUnknownTopic:
            topic.access = .absent
            if asksMore { topic.creationRefusal = await creationRefusal(description.name, admin) }
            return topic
        case .topicAuthorizationFailed:
            topic.access = .forbidden
            return topic
        default: topic.access = .unclear(description.error?.message ?? "")
        }
        topic.settings = asksMore ? try? await admin.topicSettings(description.name, within: .seconds(5)) : [:]
        return topic
    }

    private func creationRefusal(_ name: String, _ admin: Admin) async -> String? {
        guard case .create(let partitions, let replicationFactor, let settings) = policy else { return nil }
        let wanted = TopicSpecification(
            name, partitions: partitions, replicationFactor: replicationFactor, settings: settings)
        do {
            let results = try await admin.createTopics([wanted], isTrial: true, within: .seconds(5))
            return (results[name] ?? nil)?.message
        } catch {
            return error.message
        }
    }
}
