internal import CLibRDKafka

/// The partitions a reader fetches, and the topic objects that fetching needs.
///
/// `@unchecked Sendable`: librdkafka's topic objects may be used from any thread; this value sits behind a mutex.
@safe struct ReadingTopics: @unchecked Sendable {
    private var topics: [String: OpaquePointer] = unsafe [:]
    private var started: [TopicPartition] = []

    /// Starts fetching a partition into the queue.
    mutating func start(
        _ partition: TopicPartition, at offset: Int64, _ handle: ClientHandle, _ queue: ConsumerQueue
    ) -> KafkaError? {
        let topic: OpaquePointer
        if let known = unsafe topics[partition.topic] {
            unsafe topic = known
        } else {
            guard let new = unsafe rd_kafka_topic_new(handle.pointer, partition.topic, nil) else {
                return KafkaError(response: rd_kafka_last_error(), context: "Topic `\(partition.topic)`")
            }
            unsafe topics[partition.topic] = new
            unsafe topic = new
        }
        if let error = unsafe queue.start(topic, partition.partition, at: offset) { return error }
        started.append(partition)
        return nil
    }

    /// Stops all fetching and lets go of the topics. Blocks.
    mutating func stopAll() {
        for partition in started {
            if let topic = unsafe topics[partition.topic] {
                unsafe rd_kafka_consume_stop(topic, partition.partition)
            }
        }
        started = []
        for unsafe(_, topic) in unsafe topics { unsafe rd_kafka_topic_destroy(topic) }
        unsafe topics = unsafe [:]
    }
}
