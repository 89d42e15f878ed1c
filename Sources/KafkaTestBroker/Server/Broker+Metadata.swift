extension Broker {
    func metadata(_ request: MetadataRequest, _ context: RequestContext) {
        var response = MetadataResponse(
            brokers: endpoints.enumerated().map { index, endpoint in
                .init(nodeID: Int32(index) + 1, host: endpoint.host, port: Int32(endpoint.port))
            },
            clusterID: clusterID, controllerID: 1)
        let allTopics = request.topics == nil || (context.version == 0 && request.topics?.isEmpty == true)
        if allTopics {
            response.topics = topics.values.sorted { $0.name < $1.name }.map { describe($0, context) }
        } else {
            response.topics = (request.topics ?? []).map {
                describe($0, mayCreate: request.allowAutoTopicCreation, context)
            }
        }
        // Before version 12 a topic's name may not be null.
        if context.version < 12 {
            for index in response.topics.indices where response.topics[index].name == nil {
                response.topics[index].name = ""
            }
        }
        context.reply(response)
    }

    private func describe(
        _ wanted: MetadataRequest.Topic, mayCreate: Bool, _ context: RequestContext
    ) -> MetadataResponse.Topic {
        if let name = wanted.name {
            if let code = context.injectedError(TopicPartition(topic: name, partition: -1)) {
                return .init(errorCode: code, name: name)
            }
            switch topic(name, mayCreate: mayCreate) {
            case .success(let topic): return describe(topic, context)
            case .failure(let error): return .init(errorCode: error, name: name)
            }
        }
        guard let name = topicNames[wanted.topicID], let topic = topics[name] else {
            return .init(errorCode: .unknownTopicID, name: nil, topicID: wanted.topicID)
        }
        return describe(topic, context)
    }

    private func describe(_ topic: Topic, _ context: RequestContext) -> MetadataResponse.Topic {
        let count = topic.isInternal ? configuration.transactionStateReplicas : endpoints.count
        return .init(
            name: topic.name, topicID: topic.id, isInternal: topic.isInternal,
            partitions: topic.partitions.map { partition in
                let nodes = replicas(led: partition.leader, count: count)
                return .init(
                    errorCode: context.injectedError(partition.id) ?? .none,
                    partitionIndex: partition.id.partition, leaderID: partition.leader,
                    leaderEpoch: partition.leaderEpoch, replicaNodes: nodes, isrNodes: nodes)
            })
    }

    /// The leader and the nodes after it; all nodes, in their order, if so many are wanted.
    private func replicas(led leader: Int32, count: Int) -> [Int32] {
        let nodes = Int32(endpoints.count)
        guard count < endpoints.count else { return Array(1...max(1, nodes)) }
        return (0..<Int32(count)).map { (leader - 1 + $0) % nodes + 1 }
    }
}
