/// One partition of one topic.
struct TopicPartition: Hashable, Comparable, Codable {
    let topic: String
    let partition: Int32

    static func < (left: TopicPartition, right: TopicPartition) -> Bool {
        (left.topic, left.partition) < (right.topic, right.partition)
    }
}
