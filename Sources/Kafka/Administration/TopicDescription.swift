/// What the cluster says about a topic.
package struct TopicDescription: Sendable, Equatable {
    package let name: String
    package let partitionCount: Int
    /// How many replicas its first partition has.
    package var replicationFactor = 0
    /// Why the topic cannot be used, if so: it does not exist, or may not be seen.
    package let error: KafkaError?

    package var exists: Bool { error == nil }
}
