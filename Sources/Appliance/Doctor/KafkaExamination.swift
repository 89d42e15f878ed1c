import Kafka
import KafkaBridge
import Logging

/// Finds out the facts about a cluster. No record is written.
struct KafkaExamination: Sendable {
    let client: ClientConfiguration
    /// The topics that are known before the first event.
    let topics: [String]
    let policy: TopicPolicy
    /// How those are made that differ from the policy.
    var made: [String: TopicSpecification] = [:]
    /// Nil where no consumer delivers exactly once.
    var transactions: TransactionPlan?

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
            facts.topics.append(
                await topic(
                    description, admin, asksMore: facts.unreachable.isEmpty, made: specification(description.name)))
        }
        if let transactions {
            facts.transactions = try await self.transactions(
                transactions, cluster, admin, asksMore: facts.unreachable.isEmpty)
        }
        return facts
    }

    private func transactions(
        _ plan: TransactionPlan, _ cluster: ClusterDescription, _ admin: Admin, asksMore: Bool
    ) async throws(KafkaError) -> TransactionFacts {
        var facts = TransactionFacts(brokerCount: cluster.brokers.count)
        let names = plan.progressTopics.keys.sorted { $0.description < $1.description }
        for (name, description) in zip(names, try await admin.describeTopics(names.map(\.description))) {
            let made = policy.progressTopic(name, segments: plan.progressTopics[name] ?? 1)
            facts.progress.append(await topic(description, admin, asksMore: asksMore, made: made))
        }
        guard asksMore else { return facts }
        facts.trial = await TransactionTrial(client: client, plan: plan).run()
        for broker in cluster.brokers.sorted(by: { $0.id < $1.id }) {
            let settings = try? await admin.brokerSettings(broker.id, within: .seconds(5))
            facts.brokers.append(.init(id: broker.id, settings: settings))
        }
        // Brokers make it with the first transactional id.
        for description in try await admin.describeTopics([facts.state.name]) {
            facts.state = await topic(description, admin, asksMore: true, made: nil)
        }
        return facts
    }

    /// - Parameters:
    ///   - asksMore: Questions that a certain broker must answer wait in vain where one cannot be reached.
    ///   - made: how it is made where it is absent.
    private func topic(
        _ description: TopicDescription, _ admin: Admin, asksMore: Bool, made: TopicSpecification?
    ) async -> KafkaFacts.Topic {
        var topic = KafkaFacts.Topic(name: description.name)
        topic.partitions = description.partitionCount
        topic.replicationFactor = description.replicationFactor
        switch description.error?.code {
        case nil: break
        case .unknownTopicOrPartition, .localUnknownTopic:
            topic.access = .absent
            if asksMore, let made, let error = await creationRefusal(made, admin) {
                topic.creationRefusal = error.named(made).message
                topic.refusesSetting = error.code == .invalidConfiguration
            }
            return topic
        case .topicAuthorizationFailed:
            topic.access = .forbidden
            return topic
        default: topic.access = .unclear(description.error?.message ?? "")
        }
        topic.settings = asksMore ? try? await admin.topicSettings(description.name, within: .seconds(5)) : [:]
        return topic
    }

    private func specification(_ name: String) -> TopicSpecification? {
        made[name] ?? policy.specification(name)
    }

    private func creationRefusal(_ wanted: TopicSpecification, _ admin: Admin) async -> KafkaError? {
        do {
            let results = try await admin.createTopics([wanted], isTrial: true, within: .seconds(5))
            return results[wanted.name] ?? nil
        } catch {
            return error
        }
    }
}
