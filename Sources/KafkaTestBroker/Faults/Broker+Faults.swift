import NIOCore

extension Broker {
    /// What the faults in force do to a request.
    func plan(for request: some RequestMessage, _ context: RequestContext) -> FaultTable.Plan {
        faults.plan(
            for: .init(
                kind: RequestKind(context.header.api), node: context.connection.node,
                transactionalIDs: transactionalIDs(of: request), targets: targets(of: request, version: context.version)
            ))
    }

    private func transactionalIDs(of request: any RequestMessage) -> [String] {
        switch request {
        case let request as ProduceRequest: request.transactionalID.map { [$0] } ?? []
        case let request as InitProducerIDRequest: request.transactionalID.map { [$0] } ?? []
        case let request as AddPartitionsToTxnRequest: [request.transactionalID]
        case let request as AddOffsetsToTxnRequest: [request.transactionalID]
        case let request as TxnOffsetCommitRequest: [request.transactionalID]
        case let request as EndTxnRequest: [request.transactionalID]
        case let request as FindCoordinatorRequest:
            request.keyType == 1 ? [request.key] + request.coordinatorKeys : []
        case let request as DescribeTransactionsRequest: request.transactionalIDs
        default: []
        }
    }

    /// The partitions that a transaction has written to.
    private func partitions(of id: String?) -> [TopicPartition] {
        id.flatMap { transactions.transactions[$0]?.partitions.sorted() } ?? []
    }

    /// The partitions that a request names; -1 stands for a topic as a whole.
    private func targets(of request: any RequestMessage, version: Int16) -> [TopicPartition] {
        func named<Items: Sequence>(_ topics: Items, _ item: (Items.Element) -> (String, [Int32])) -> [TopicPartition] {
            topics.flatMap { topic in
                let (name, partitions) = item(topic)
                return partitions.map { TopicPartition(topic: name, partition: $0) }
            }
        }
        switch request {
        case let request as ProduceRequest:
            return named(request.topicData) {
                (version >= 13 ? topicNames[$0.topicID] ?? "" : $0.name, $0.partitionData.map(\.index))
            }
        case let request as FetchRequest:
            return named(request.topics) {
                (version >= 13 ? topicNames[$0.topicID] ?? "" : $0.topic, $0.partitions.map(\.partition))
            }
        case let request as ListOffsetsRequest:
            return named(request.topics) { ($0.name, $0.partitions.map(\.partitionIndex)) }
        case let request as AddPartitionsToTxnRequest:
            return named(request.topics) { ($0.name, $0.partitions) }
        case let request as TxnOffsetCommitRequest:
            return named(request.topics) { ($0.name, $0.partitions.map(\.partitionIndex)) }
        case let request as EndTxnRequest: return partitions(of: request.transactionalID)
        case let request as InitProducerIDRequest: return partitions(of: request.transactionalID)
        case let request as OffsetForLeaderEpochRequest:
            return named(request.topics) { ($0.topic, $0.partitions.map(\.partition)) }
        case let request as DeleteRecordsRequest:
            return named(request.topics) { ($0.name, $0.partitions.map(\.partitionIndex)) }
        case let request as MetadataRequest:
            return (request.topics ?? []).compactMap { $0.name ?? topicNames[$0.topicID] }.flatMap { name in
                [TopicPartition(topic: name, partition: -1)] + (topics[name]?.partitions.map(\.id) ?? [])
            }
        case let request as CreateTopicsRequest:
            return request.topics.map { .init(topic: $0.name, partition: -1) }
        case let request as CreatePartitionsRequest:
            return request.topics.map { .init(topic: $0.name, partition: -1) }
        case let request as DeleteTopicsRequest:
            return (request.topicNames + request.topics.compactMap { $0.name ?? topicNames[$0.topicID] })
                .map { .init(topic: $0, partition: -1) }
        case let request as DescribeConfigsRequest:
            return request.resources.map { .init(topic: $0.resourceName, partition: -1) }
        default: return []
        }
    }

    // MARK: Faults that strike no request

    /// Answers nothing until ``thaw()``: to clients the broker hangs.
    func freeze() { isFrozen = true }

    func thaw() {
        isFrozen = false
        let waiting = held
        held = []
        for work in waiting { work() }
    }

    func loseProducerState(topic: String?, partition: Int32?, producerID: Int64?) {
        for item in partitions(topic, partition) { item.log.producers.forget(producerID) }
    }

    func moveLeader(topic: String, partition: Int32?, to node: Int32) -> Bool {
        guard (1...Int32(endpoints.count)).contains(node) else { return false }
        let moved = partitions(topic, partition)
        for item in moved {
            item.moveLeader(to: node)
            _ = saveLeader(of: item)
        }
        return !moved.isEmpty
    }

    func removeFault(_ number: Int) {
        faults.remove(number)
        releaseMarkers()
    }

    func removeAllFaults() {
        faults.removeAll()
        releaseMarkers()
    }

    func disconnectAll(node: Int32?) {
        for (number, channel) in channels where node == nil || connectionNodes[number] == node {
            channel.close(promise: nil)
        }
    }

    private func partitions(_ topic: String?, _ index: Int32?) -> [Partition] {
        topics.values.filter { topic == nil || $0.name == topic }.flatMap(\.partitions)
            .filter { index == nil || $0.id.partition == index }
    }
}
