/// `Metadata`: the nodes, the topics, and who leads their partitions. Makes topics that are asked for, if that is wanted.
///
/// Version 0 means all topics by none, later ones by null; 4 can ask not to create; 10 names topics by their ids too.
enum Metadata {
    struct Request: RequestBody {
        var topics: [Wanted]?
        var mayCreate = true

        mutating func fields(_ wire: inout Coder) {
            wire(&topics)
            wire(&mayCreate, 4...)
            wire.unused("include_cluster_authorized_operations", false, 8...10)
            wire.unused("include_topic_authorized_operations", false, 8...)
        }

        func targets(_ broker: Broker, _ context: RequestContext) -> [TopicPartition] {
            (topics ?? []).compactMap { $0.name ?? broker.topicNames[$0.id] }.flatMap { name in
                [TopicPartition(topic: name, partition: -1)] + (broker.topics[name]?.partitions.map(\.id) ?? [])
            }
        }
    }

    struct Wanted: Message {
        var id = KafkaUUID.zero
        var name: String?

        mutating func fields(_ wire: inout Coder) {
            wire(&id, 10...)
            wire(&name)
        }
    }

    struct Response: Message {
        var nodes: [NodeAddress] = []
        var clusterID: String?
        var topics: [Answer] = []

        mutating func fields(_ wire: inout Coder) {
            wire.throttleTime()
            wire(&nodes)
            wire(&clusterID, 2...)
            wire.unused("controller_id", Int32(1), 1...)
            wire(&topics)
            wire.unused("cluster_authorized_operations", Int32.min, 8...10)
            wire.unused("error_code", KafkaErrorCode.none, 13...)
        }
    }

    struct Answer: Message {
        var error = KafkaErrorCode.none
        var name: String?
        var id = KafkaUUID.zero
        var isInternal = false
        var partitions: [PartitionState] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&error)
            // Before version 12 a topic's name may not be null.
            if name == nil, wire.format.version < 12 { name = "" }
            wire(&name)
            wire(&id, 10...)
            wire(&isInternal, 1...)
            wire(&partitions)
            wire.unused("topic_authorized_operations", Int32.min, 8...)
        }
    }

    struct PartitionState: Message {
        var error = KafkaErrorCode.none
        var index: Int32 = 0
        var leader = Leader()
        var replicas: [Int32] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&error, &index, &leader.node)
            wire(&leader.epoch, 7...)
            wire(&replicas)
            wire.unused("isr_nodes", replicas)
            wire.unused("offline_replicas", [Int32](), 5...)
        }
    }
}

extension Broker {
    func metadata(_ request: Metadata.Request, _ context: RequestContext) {
        var wanted = request.topics
        if context.version == 0 && wanted?.isEmpty == true { wanted = nil }
        let described =
            wanted?.map { describe($0, mayCreate: request.mayCreate, context) }
            ?? topics.values.sorted { $0.name < $1.name }.map { describe($0, context) }
        context.reply(Metadata.Response(nodes: addresses, clusterID: clusterID, topics: described))
    }

    private func describe(_ wanted: Metadata.Wanted, mayCreate: Bool, _ context: RequestContext) -> Metadata.Answer {
        guard let name = wanted.name else {
            guard let name = topicNames[wanted.id], let topic = topics[name] else {
                return .init(error: .unknownTopicID, id: wanted.id)
            }
            return describe(topic, context)
        }
        do throws(KafkaErrorCode) {
            try context.injectedError(TopicPartition(topic: name, partition: -1)).check()
            return describe(try topic(name, mayCreate: mayCreate), context)
        } catch {
            return .init(error: error, name: name)
        }
    }

    private func describe(_ topic: Topic, _ context: RequestContext) -> Metadata.Answer {
        let count = topic.isInternal ? configuration.transactionStateReplicas : endpoints.count
        return .init(
            name: topic.name, id: topic.id, isInternal: topic.isInternal,
            partitions: topic.partitions.map { partition in
                .init(
                    error: context.injectedError(partition.id) ?? .none, index: partition.id.partition,
                    leader: Leader(node: partition.leader, epoch: partition.leaderEpoch),
                    replicas: replicas(led: partition.leader, count: count))
            })
    }

    /// The leader and the nodes after it; all nodes, in their order, if so many are wanted.
    private func replicas(led leader: Int32, count: Int) -> [Int32] {
        let nodes = Int32(endpoints.count)
        guard count < endpoints.count else { return Array(1...max(1, nodes)) }
        return (0..<Int32(count)).map { (leader - 1 + $0) % nodes + 1 }
    }
}
