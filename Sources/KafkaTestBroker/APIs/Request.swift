/// The body of a request, with what faults can aim at.
protocol RequestBody: Message, SendableMetatype {
    /// The transactional ids that it names.
    var transactionalIDs: [String] { get }
    /// The partitions that it names; -1 stands for a topic as a whole.
    func targets(_ broker: Broker, _ context: RequestContext) -> [TopicPartition]
}

extension RequestBody {
    var transactionalIDs: [String] { [] }
    func targets(_ broker: Broker, _ context: RequestContext) -> [TopicPartition] { [] }
}

/// A request about partitions.
protocol TopicsRequest: RequestBody {
    associatedtype Item: PartitionItem
    var topics: [TopicItems<Item>] { get }
}

extension TopicsRequest {
    func targets(_ broker: Broker, _ context: RequestContext) -> [TopicPartition] {
        topics.flatMap { topic in
            let name = broker.name(of: topic, context) ?? ""
            return topic.partitions.map { TopicPartition(topic: name, partition: $0.index) }
        }
    }
}

/// A topic, and one item for each partition that the message is about: the shape of most messages.
struct TopicItems<Item: Field>: Message {
    var name = ""
    /// Stands for the name in the versions that name topics by their ids.
    var id = KafkaUUID.zero
    var partitions: [Item] = []

    mutating func fields(_ wire: inout Coder) {
        if wire.format.hasTopicIDs { wire(&id) } else { wire(&name) }
        wire(&partitions)
    }
}

/// What a request says of one partition.
protocol PartitionItem: Field {
    var index: Int32 { get }
}

extension Int32: PartitionItem {
    var index: Int32 { self }
}

extension Broker {
    /// The name of a request's topic; nil if it is named by an id that no topic has.
    func name(of topic: TopicItems<some Field>, _ context: RequestContext) -> String? {
        context.header.format.hasTopicIDs ? topicNames[topic.id] : topic.name
    }

    /// Answers each partition of each topic: with an error where it is thrown.
    func answers<Item: PartitionItem, Answer: PartitionAnswer>(
        to topics: [TopicItems<Item>], _ context: RequestContext,
        _ answer: (TopicPartition, Item) throws(KafkaErrorCode) -> Answer
    ) -> [TopicItems<Answer>] {
        topics.map { topic in
            let name = name(of: topic, context)
            let answers = topic.partitions.map { item in
                var result = Answer.made { () throws(KafkaErrorCode) in
                    guard let name else { throw .unknownTopicID }
                    return try answer(TopicPartition(topic: name, partition: item.index), item)
                }
                result.index = item.index
                return result
            }
            return TopicItems(name: topic.name, id: topic.id, partitions: answers)
        }
    }

    /// A partition that the node of the connection leads, unless a fault refuses it.
    func leading(
        _ id: TopicPartition, clientEpoch: Int32 = -1, _ context: RequestContext
    ) throws(KafkaErrorCode) -> (topic: Topic, partition: Partition) {
        try context.injectedError(id).check()
        guard let topic = topics[id.topic], let partition = partition(id) else { throw .unknownTopicOrPartition }
        try partition.leadershipError(node: context.connection.node, clientEpoch: clientEpoch).check()
        return (topic, partition)
    }
}
