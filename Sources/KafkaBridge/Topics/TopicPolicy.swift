package import Kafka

/// What happens to a topic that does not exist when events are to go there.
package enum TopicPolicy: Sendable, Hashable {
    /// It is waited for, and its absence is reported.
    case mustExist
    /// It is created.
    ///
    /// - Parameter replicationFactor: Nil takes the cluster's default.
    case create(partitions: Int, replicationFactor: Int? = nil, settings: [String: String] = [:])
}

extension TopicPolicy {
    /// How a topic of events is made; `nil` where topics are not made.
    package func specification(_ topic: String) -> TopicSpecification? {
        guard case .create(let partitions, let replicationFactor, let settings) = self else { return nil }
        return TopicSpecification(
            topic, partitions: partitions, replicationFactor: replicationFactor, settings: settings)
    }

    /// How topics of dead letters are made: as others, and never compacted, since of each key all records count.
    package var deadLetters: TopicPolicy {
        guard case .create(let partitions, let replicationFactor, var settings) = self else { return self }
        settings["cleanup.policy"] = nil
        return .create(partitions: partitions, replicationFactor: replicationFactor, settings: settings)
    }
}

extension KafkaPublisherOptions {
    /// How a topic is made that records go to; `nil` where topics are not made.
    package func specification(of topic: TopicName) -> TopicSpecification? {
        let isOfDeadLetters = onPoison == .deadLetterTopic(topic)
        return (isOfDeadLetters ? auxiliaryTopics ?? topics.deadLetters : topics).specification(topic.description)
    }
}
