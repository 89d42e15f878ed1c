import KafkaBridge

/// What keeps a cluster from carrying exactly-once delivery, or makes it less safe, from the facts. A pure decision.
struct TransactionVerdict: Sendable {
    let bootstrapServers: String
    let createsTopics: Bool
    let plan: TransactionPlan

    func findings(_ facts: TransactionFacts) -> [Finding] {
        facts.progress.flatMap { progress($0, facts.brokerCount) } + timeout(facts) + trial(facts) + state(facts)
    }

    // MARK: The topic of the progress

    private func progress(_ topic: KafkaFacts.Topic, _ brokerCount: Int) -> [Finding] {
        switch topic.access {
        case .absent: [absence(topic, brokerCount)]
        case .forbidden:
            [
                .error(
                    "acl", "the topic \(topic.name) of the progress may not be seen by this user",
                    "kafka-acls.sh --bootstrap-server \(bootstrapServers) --add --allow-principal User:… --operation Read --operation Write --operation Describe --topic \(topic.name)"
                )
            ]
        case .unclear(let reason):
            [.warning("progress_topic", "the topic \(topic.name) of the progress is not usable now: \(reason)")]
        case .visible:
            partitions(topic) + cleanup(topic) + replicas(topic, brokerCount)
        }
    }

    private func segments(_ topic: KafkaFacts.Topic) -> Int {
        plan.progressTopics.first { $0.key.description == topic.name }?.value ?? 1
    }

    private func absence(_ topic: KafkaFacts.Topic, _ brokerCount: Int) -> Finding {
        let replicas = brokerCount > 1 ? " --replication-factor \(min(3, brokerCount))" : ""
        let command =
            "kafka-topics.sh --bootstrap-server \(bootstrapServers) --create --topic \(topic.name) --partitions \(segments(topic))\(replicas) --config cleanup.policy=compact --config segment.bytes=16777216"
        guard createsTopics else {
            return .error(
                "progress_topic",
                "the topic \(topic.name), in which exactly-once delivery records its progress, does not exist",
                "\(command), or set kafka.topics.create: true")
        }
        guard let refusal = topic.creationRefusal else {
            return .note(
                "progress_topic", "the topic \(topic.name) of the progress does not exist yet; it will be created")
        }
        return .error(
            "acl", "the topic \(topic.name) of the progress does not exist and cannot be created: \(refusal)", command)
    }

    private func partitions(_ topic: KafkaFacts.Topic) -> [Finding] {
        let wanted = segments(topic)
        guard topic.partitions < wanted else { return [] }
        return [
            .error(
                "progress_partitions",
                "the topic \(topic.name) of the progress has \(topic.partitions) partitions, and needs one for each of \(wanted) segments",
                "kafka-topics.sh --bootstrap-server \(bootstrapServers) --alter --topic \(topic.name) --partitions \(wanted)"
            )
        ]
    }

    private func cleanup(_ topic: KafkaFacts.Topic) -> [Finding] {
        guard let settings = topic.settings else {
            return [
                .note(
                    "acl",
                    "the settings of the topic \(topic.name) of the progress may not be read, so whether it keeps its records is not checked",
                    "kafka-acls.sh --bootstrap-server \(bootstrapServers) --add --allow-principal User:… --operation DescribeConfigs --topic \(topic.name)"
                )
            ]
        }
        guard let policy = settings["cleanup.policy"], policy != "compact" else { return [] }
        return [
            .error(
                "progress_cleanup",
                "the topic \(topic.name) of the progress has cleanup.policy=\(policy): it would lose how far segments have come",
                "kafka-configs.sh --bootstrap-server \(bootstrapServers) --alter --topic \(topic.name) --add-config cleanup.policy=compact"
            )
        ]
    }

    private func replicas(_ topic: KafkaFacts.Topic, _ brokerCount: Int) -> [Finding] {
        guard brokerCount > 1 else { return [] }
        guard topic.replicationFactor > 1 else {
            return [
                .warning(
                    "progress_replication",
                    "the topic \(topic.name) of the progress has one replica: while its broker is away its segments wait, and with its loss they cannot go on exactly once",
                    "kafka-reassign-partitions.sh --bootstrap-server \(bootstrapServers), with \(min(3, brokerCount)) replicas for each partition"
                )
            ]
        }
        return KafkaVerdict.insync(topic, bootstrapServers: bootstrapServers)
    }

    // MARK: Transactions

    private func timeout(_ facts: TransactionFacts) -> [Finding] {
        let wanted = Int(plan.timeout / .milliseconds(1))
        let limits = facts.brokers.compactMap { broker in
            broker.settings?["transaction.max.timeout.ms"].flatMap(Int.init).map { (broker.id, $0) }
        }
        if let (broker, limit) = limits.min(by: { $0.1 < $1.1 }), limit < wanted {
            // The shortest that the configuration takes.
            let shorter = limit >= 5_000 ? "set kafka.transaction_timeout: \(limit / 1_000)s, or " : ""
            return [
                .error(
                    "transaction_timeout",
                    "broker \(broker) allows a transaction at most \(DurationText.format(.milliseconds(limit))) (transaction.max.timeout.ms), and kafka.transaction_timeout is \(DurationText.format(plan.timeout))",
                    "\(shorter)set transaction.max.timeout.ms=\(wanted) in the settings of the brokers")
            ]
        }
        guard facts.trial == .timeoutTooLong else { return [] }
        return [
            .error(
                "transaction_timeout",
                "kafka.transaction_timeout is \(DurationText.format(plan.timeout)), which is more than the brokers allow",
                "set a shorter kafka.transaction_timeout, or transaction.max.timeout.ms=\(wanted) in the settings of the brokers"
            )
        ]
    }

    private func trial(_ facts: TransactionFacts) -> [Finding] {
        switch facts.trial {
        case nil, .possible, .timeoutTooLong: return []
        case .forbidden(let consumers):
            let isAll = consumers == plan.consumers
            let prefixes = isAll ? ["\(plan.idPrefix)-"] : consumers.map { "\(plan.idPrefix)-\($0)-" }
            return [
                .error(
                    "transactional_id",
                    "this user may not use the transactional ids of exactly-once delivery, which begin with \(prefixes.joined(separator: ", "))",
                    prefixes.map {
                        "kafka-acls.sh --bootstrap-server \(bootstrapServers) --add --allow-principal User:… --operation Write --operation Describe --transactional-id \($0) --resource-pattern-type prefixed"
                    }.joined(separator: "; "))
            ]
        case .unsupported(let reason):
            return [
                .error(
                    "transactions", "the brokers are too old for transactions: \(reason)",
                    "use brokers of Kafka 0.11 or later, or delivery: at_least_once")
            ]
        case .refused(let reason):
            return [.error("transactions", "the brokers refuse a transactional producer: \(reason)")]
        case .unanswered(let reason):
            return [
                .error(
                    "transactions", "no coordinator of transactions answers: \(reason)",
                    "look at the leaders and replicas of __transaction_state")
            ]
        }
    }

    private func state(_ facts: TransactionFacts) -> [Finding] {
        guard facts.brokerCount > 1 else { return [] }
        let isThere = facts.state.access == .visible
        let configured = facts.brokers.compactMap(\.settings).first
        func setting(_ name: String) -> Int? { configured?[name].flatMap(Int.init) }
        let replicas =
            isThere ? facts.state.replicationFactor : setting("transaction.state.log.replication.factor")
        let needed =
            facts.state.settings?["min.insync.replicas"].flatMap(Int.init) ?? setting("transaction.state.log.min.isr")
        guard let replicas else {
            // Questions that were not asked are no matter of rights.
            guard facts.brokers.contains(where: { $0.settings == nil }) else { return [] }
            return [
                .note(
                    "acl",
                    "the settings of the brokers may not be read, so the replication of __transaction_state is not checked",
                    "kafka-acls.sh --bootstrap-server \(bootstrapServers) --add --allow-principal User:… --operation DescribeConfigs --cluster"
                )
            ]
        }
        if replicas == 1 {
            return [
                .warning(
                    "transaction_state",
                    "__transaction_state has one replica: while a broker is away, exactly-once delivery waits for it, and its loss loses which transactions were committed",
                    isThere
                        ? "kafka-reassign-partitions.sh --bootstrap-server \(bootstrapServers), with \(min(3, facts.brokerCount)) replicas for each partition"
                        : "set transaction.state.log.replication.factor=\(min(3, facts.brokerCount)) in the settings of the brokers before the first transaction"
                )
            ]
        }
        guard needed == 1 else { return [] }
        return [
            .warning(
                "transaction_state",
                "__transaction_state counts a commit as written with one replica in sync of \(replicas): its loss loses committed transactions",
                isThere
                    ? "kafka-configs.sh --bootstrap-server \(bootstrapServers) --alter --topic __transaction_state --add-config min.insync.replicas=2"
                    : "set transaction.state.log.min.isr=2 in the settings of the brokers before the first transaction")
        ]
    }
}
