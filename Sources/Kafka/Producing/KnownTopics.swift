/// The topics that a producer was asked to prepare, and what it knows of each. A pure value.
///
/// The number of partitions that the first answer of a topic gives holds for the producer's whole life: the records of a key
/// stay in one partition, whatever the topic becomes meanwhile.
struct KnownTopics: Sendable {
    private struct Topic: Sendable {
        /// 0 before the first answer.
        var partitionCount: Int32 = 0
        var currentPartitionCount: Int32 = 0
    }

    private var places: [String: Int] = [:]
    private var topics: [Topic] = []

    /// Where the client keeps the topic.
    func place(of name: String) -> Int? { places[name] }

    /// Adds a topic that the client keeps, unless it is known.
    mutating func add(_ name: String, at place: Int) {
        precondition((places[name] ?? place) == place, "topics keep their places")
        places[name] = place
        // Two that ask at once may add theirs in either order.
        while topics.count <= place { topics.append(Topic()) }
    }

    /// Takes what the cluster says of a topic, and makes that the answer to who asked for it.
    mutating func answer(_ name: String, _ found: TopicMetadata?) -> Result<TopicHandle, KafkaError> {
        guard let found, let place = places[name] else { return .failure(Self.error(.unknownTopicOrPartition, name)) }
        if let error = found.error { return .failure(error) }
        // Brokers that have just heard of a topic know it without its partitions.
        guard found.partitionCount > 0 else { return .failure(Self.error(.leaderNotAvailable, name)) }
        if topics[place].partitionCount == 0 { topics[place].partitionCount = found.partitionCount }
        topics[place].currentPartitionCount = found.partitionCount
        return .success(TopicHandle(index: Int32(place), partitionCount: topics[place].partitionCount))
    }

    /// How many partitions the last answer gave the topic.
    func currentPartitionCount(of topic: TopicHandle) -> Int32 { topics[Int(topic.index)].currentPartitionCount }

    /// Whether each topic needs a question of its own: the client can ask for one topic or for all that it knows.
    func areAskedAlone(_ names: [String]) -> Bool { names.count <= 3 && names.count < places.count || names.count == 1 }

    private static func error(_ code: KafkaError.Code, _ name: String) -> KafkaError {
        KafkaError(code, message: "\(code.text): `\(name)`")
    }
}
