/// What is wrong with a cluster, from the facts. A pure decision.
struct KafkaVerdict: Sendable {
    let bootstrapServers: String
    let maximumRecordBytes: Int?
    let createsTopics: Bool
    /// How many partitions a topic should have at least, by its name: as many as it would be created with, or as its consumer
    /// has segments.
    let partitions: [String: Int]
    /// The settings that are configured, by topic.
    var settings: [String: [String: String]] = [:]
    /// Whether the password goes over the network as it is.
    let sendsPasswordInClear: Bool
    /// Whether a property turned the verification of certificates or host names off.
    var isUnverified = false
    /// Nil where no consumer delivers exactly once.
    var transactions: TransactionVerdict?

    func findings(_ facts: KafkaFacts) -> [Finding] {
        var findings = facts.unreachable.map { broker in
            Finding.error(
                "listener",
                "broker \(broker.id) says it is at \(broker.address), where it does not answer: \(broker.reason)",
                "set advertised.listeners of broker \(broker.id) to an address that this host reaches, or open the way to \(broker.address)"
            )
        }
        if sendsPasswordInClear {
            findings.append(
                .warning("cleartext", "PLAIN without TLS sends the password over the network as it is", "set kafka.tls")
            )
        }
        if isUnverified {
            findings.append(
                .warning(
                    "unverified", "the brokers' certificates or host names are not verified: anybody can pose as one",
                    "remove enable.ssl.certificate.verification and ssl.endpoint.identification.algorithm from kafka.properties"
                ))
        }
        findings += facts.topics.flatMap { topic($0) }
        if let transactions, let facts = facts.transactions { findings += transactions.findings(facts) }
        return findings
    }

    private func topic(_ topic: KafkaFacts.Topic) -> [Finding] {
        switch topic.access {
        case .absent: [absence(topic)]
        case .forbidden:
            [
                .error(
                    "acl", "the topic \(topic.name) may not be seen by this user",
                    "kafka-acls.sh --bootstrap-server \(bootstrapServers) --add --allow-principal User:… --operation Write --operation Describe --topic \(topic.name)"
                )
            ]
        case .unclear(let reason): [.warning("topic", "the topic \(topic.name) is not usable now: \(reason)")]
        case .visible: size(topic) + replicas(topic) + partitions(topic) + compaction(topic) + differences(topic)
        }
    }

    private func absence(_ topic: KafkaFacts.Topic) -> Finding {
        let count = partitions[topic.name] ?? 6
        let command =
            "kafka-topics.sh --bootstrap-server \(bootstrapServers) --create --topic \(topic.name) --partitions \(count)"
        guard createsTopics else {
            return .error(
                "topic", "the topic \(topic.name) does not exist", "\(command), or set kafka.topics.create: true")
        }
        guard let refusal = topic.creationRefusal else {
            return .note("topic", "the topic \(topic.name) does not exist yet; it will be created")
        }
        if topic.refusesSetting {
            return .error(
                "topic_settings", "the topic \(topic.name) does not exist and cannot be created: \(refusal)",
                "correct the setting in kafka.topics.settings, or in topic_settings of the consumer")
        }
        return .error("acl", "the topic \(topic.name) does not exist and cannot be created: \(refusal)", command)
    }

    private func size(_ topic: KafkaFacts.Topic) -> [Finding] {
        guard let settings = topic.settings else {
            return [
                .note(
                    "acl", "the settings of the topic \(topic.name) may not be read, so its limits are not checked",
                    "kafka-acls.sh --bootstrap-server \(bootstrapServers) --add --allow-principal User:… --operation DescribeConfigs --topic \(topic.name)"
                )
            ]
        }
        guard let limit = settings["max.message.bytes"].flatMap(Int.init), let maximumRecordBytes,
            limit < maximumRecordBytes
        else { return [] }
        return [
            .error(
                "max_message_bytes",
                "the topic \(topic.name) takes records up to \(limit) bytes, and kafka.max_record_bytes is \(maximumRecordBytes)",
                "set kafka.max_record_bytes: \(limit), or kafka-configs.sh --bootstrap-server \(bootstrapServers) --alter --topic \(topic.name) --add-config max.message.bytes=\(maximumRecordBytes + 1024)"
            )
        ]
    }

    private func replicas(_ topic: KafkaFacts.Topic) -> [Finding] {
        let needed = topic.settings?["min.insync.replicas"].flatMap(Int.init) ?? 0
        if topic.replicationFactor == 1, needed == 1 {
            return [
                .note(
                    "replication",
                    "the topic \(topic.name) has one replica: a broker that is lost takes its events along")
            ]
        }
        return Self.insync(topic, bootstrapServers: bootstrapServers)
    }

    /// What is wrong with the number of replicas that a topic asks to be in sync.
    static func insync(_ topic: KafkaFacts.Topic, bootstrapServers: String) -> [Finding] {
        guard let needed = topic.settings?["min.insync.replicas"].flatMap(Int.init) else { return [] }
        let alter =
            "kafka-configs.sh --bootstrap-server \(bootstrapServers) --alter --topic \(topic.name) --add-config min.insync.replicas="
        if needed > topic.replicationFactor {
            return [
                .warning(
                    "min_insync",
                    "the topic \(topic.name) asks for \(needed) replicas in sync and has \(topic.replicationFactor): current brokers take \(topic.replicationFactor) for enough, older ones take no record",
                    alter + "\(max(1, topic.replicationFactor - 1))")
            ]
        }
        if needed == 1, topic.replicationFactor > 1 {
            return [
                .warning(
                    "min_insync",
                    "the topic \(topic.name) counts a record as written with one replica in sync of \(topic.replicationFactor): its loss loses acknowledged events",
                    alter + "2")
            ]
        }
        return []
    }

    private func partitions(_ topic: KafkaFacts.Topic) -> [Finding] {
        guard let wanted = partitions[topic.name], topic.partitions < wanted else { return [] }
        return [
            .warning(
                "partitions",
                "the topic \(topic.name) has \(topic.partitions) partitions, fewer than the \(wanted) expected: at most \(topic.partitions) readers share it",
                "before the first event (keys move): kafka-topics.sh --bootstrap-server \(bootstrapServers) --alter --topic \(topic.name) --partitions \(wanted)"
            )
        ]
    }

    private func compaction(_ topic: KafkaFacts.Topic) -> [Finding] {
        guard topic.settings?["cleanup.policy"]?.contains("compact") == true else { return [] }
        // Then it is meant.
        if settings[topic.name]?["cleanup.policy"]?.contains("compact") == true { return [] }
        return [
            .warning(
                "compaction",
                "the topic \(topic.name) is compacted: of each key only the last record is kept",
                "kafka-configs.sh --bootstrap-server \(bootstrapServers) --alter --topic \(topic.name) --add-config cleanup.policy=delete"
            )
        ]
    }

    /// A topic that exists keeps the settings that it was made with.
    private func differences(_ topic: KafkaFacts.Topic) -> [Finding] {
        guard let found = topic.settings, !found.isEmpty else { return [] }
        let wanted = (settings[topic.name] ?? [:]).sorted { $0.key < $1.key }
        let differing = wanted.filter { !Self.isSame(found[$0.key], $0.value) }
        guard !differing.isEmpty else { return [] }
        let texts = differing.map { name, value in
            found[name].map { "\(name) is \($0), not \(value)" } ?? "\(name) is no setting that it has"
        }
        let known = differing.filter { found[$0.key] != nil }.map { name, value in
            value.contains(",") ? "\(name)=[\(value)]" : "\(name)=\(value)"
        }
        let alter =
            "kafka-configs.sh --bootstrap-server \(bootstrapServers) --alter --topic \(topic.name) --add-config "
        return [
            .warning(
                "topic_settings",
                "the topic \(topic.name) exists with other settings than are configured: \(texts.joined(separator: "; "))",
                known.isEmpty ? "correct the setting's name" : alter + known.joined(separator: ","))
        ]
    }

    /// Lists are compared without their order.
    private static func isSame(_ found: String?, _ wanted: String) -> Bool {
        func items(_ text: String) -> Set<String> { Set(text.split(separator: ",").map { $0.filter { $0 != " " } }) }
        return found.map { items($0) == items(wanted) } ?? false
    }
}
