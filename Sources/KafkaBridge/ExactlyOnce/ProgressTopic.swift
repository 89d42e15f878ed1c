package import Kafka
import Logging

/// The topic in which transactions record how far they come.
struct ProgressTopic: Sendable {
    let name: TopicName
    let segments: Int
    let client: ClientConfiguration
    let policy: TopicPolicy
    let logger: Logger

    private static let patience: Duration = .seconds(5)

    /// Makes the topic usable, and makes it where that is the policy.
    ///
    /// - Throws: `KafkaError`; ``ExactlyOnceRefusal``, where it is not fit for what it is for.
    func prepare(on producer: Producer) async throws -> TopicHandle {
        let topic = name.description
        let handle: TopicHandle
        switch try await producer.lookUp([topic], within: Self.patience).first {
        case .success(let found)?: handle = found
        case .failure(let error)? where error.isAbsence: handle = try await make(producer)
        case .failure(let error)?: throw error
        case nil: throw KafkaError(.unknownTopicOrPartition, message: "Topic `\(topic)`")
        }
        try await checkCleanup()
        return handle
    }

    /// Sees to it that a producer knows of so many partitions, which the topic may have got since.
    func require(_ partitions: Int, on producer: Producer) async throws {
        let count = try await partitionCount(atLeast: partitions, on: producer, within: .zero)
        if count < partitions { throw tooFew(count, partitions) }
    }

    /// Gives the topic so many partitions, where that is the policy, and waits until the producer knows of them.
    func grow(to partitions: Int, on producer: Producer) async throws {
        let count = try await partitionCount(atLeast: partitions, on: producer, within: .zero)
        if count >= partitions { return }
        guard policy.progressTopic(name, segments: partitions) != nil else { throw tooFew(count, partitions) }
        let topic = name.description
        try await TopicClients.withAdmin(client, logger: logger) { admin throws(KafkaError) in
            try await admin.addPartitions(to: topic, total: partitions)
        }
        logger.notice(
            "added partitions to the topic of the progress",
            metadata: ["topic": "\(topic)", "partitions": "\(partitions)"])
        let found = try await partitionCount(atLeast: partitions, on: producer, within: Self.patience)
        if found < partitions { throw tooFew(found, partitions) }
    }

    /// How many partitions the topic has by now; brokers that were not told yet are asked again for a while.
    private func partitionCount(
        atLeast wanted: Int, on producer: Producer, within limit: Duration
    ) async throws -> Int {
        let deadline = ContinuousClock.now + limit
        var handle = try await producer.prepare([name.description], within: Self.patience)[0]
        while true {
            let count = Int(producer.currentPartitionCount(of: handle))
            if count >= wanted || ContinuousClock.now >= deadline { return count }
            try await Task.sleep(for: .milliseconds(50))
            handle = try await producer.prepare([name.description], within: Self.patience)[0]
        }
    }

    private func tooFew(_ count: Int, _ wanted: Int) -> ExactlyOnceRefusal {
        ExactlyOnceRefusal(
            "topic `\(name)` has \(count) partitions, and exactly-once delivery of \(wanted) segments needs as many: add "
                + "partitions to it")
    }

    private func make(_ producer: Producer) async throws -> TopicHandle {
        let topic = name.description
        guard let specification = policy.progressTopic(name, segments: segments) else {
            throw ExactlyOnceRefusal(
                "topic `\(topic)`, in which exactly-once delivery records its progress, does not exist: make it "
                    + "with \(segments) partitions and cleanup.policy=compact, or have it made (kafka.topics.create)")
        }
        let results = try await create(specification)
        if let error = results[topic] ?? nil {
            if error.code != .topicAlreadyExists { throw error }
        } else {
            logger.notice(
                "created the topic of the progress", metadata: ["topic": "\(topic)", "partitions": "\(segments)"])
        }
        return try await waitUntilKnown(to: producer)
    }

    /// The broker that is asked may hear of the new topic a moment later than the one that made it.
    private func waitUntilKnown(to producer: Producer) async throws -> TopicHandle {
        let deadline = ContinuousClock.now + Self.patience
        while true {
            do throws(KafkaError) {
                return try await producer.prepare([name.description], within: Self.patience)[0]
            } catch {
                guard error.isAbsence, ContinuousClock.now < deadline else { throw error }
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// What deletes records may delete the only one that says how far a segment has come.
    private func checkCleanup() async throws {
        guard let policy = try await settings()["cleanup.policy"], policy != "compact" else { return }
        throw ExactlyOnceRefusal(
            "topic `\(name)` has cleanup.policy=\(policy), and would lose the progress of exactly-once delivery: "
                + "set it to compact")
    }

    private func create(_ topic: TopicSpecification) async throws(KafkaError) -> [String: KafkaError?] {
        try await TopicClients.withAdmin(client, logger: logger) { admin throws(KafkaError) in
            try await admin.createTopics([topic])
        }
    }

    /// None where they may not be read; `doctor` says so.
    private func settings() async throws(KafkaError) -> [String: String] {
        do throws(KafkaError) {
            return try await TopicClients.withAdmin(client, logger: logger) { admin throws(KafkaError) in
                try await admin.topicSettings(name.description)
            }
        } catch {
            if error.classification.kind == .refused { return [:] }
            throw error
        }
    }
}

extension TopicPolicy {
    /// How the topic of the progress is made, with small files, since the one that is written to is not compacted.
    ///
    /// - Returns: `nil` where topics are not made.
    package func progressTopic(_ name: TopicName, segments: Int) -> TopicSpecification? {
        guard case .create(_, let replicationFactor, let settings) = self else { return nil }
        let own = ["cleanup.policy": "compact", "segment.bytes": "16777216"]
        return TopicSpecification(
            name.description, partitions: segments, replicationFactor: replicationFactor,
            settings: settings.filter { $0.key == "min.insync.replicas" }.merging(own) { $1 })
    }
}
