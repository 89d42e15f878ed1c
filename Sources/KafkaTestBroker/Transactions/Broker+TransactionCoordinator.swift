import Logging
import NIOCore

extension Broker {
    /// The internal topic of transactions, made when the first transactional id is asked for.
    func transactionStateTopic() -> Topic? {
        if let topic = topics[TransactionStateTopic.name] { return topic }
        do {
            return try createTopic(
                TransactionStateTopic.name, partitions: configuration.transactionStatePartitions,
                settings: TransactionStateTopic.settings(
                    over: defaultSettings, minInsyncReplicas: configuration.transactionStateInsyncReplicas))
        } catch {
            logger.error("cannot create the topic of transactions", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// The partition of the internal topic whose leader coordinates the id's transactions.
    private func coordinator(of id: String) -> Partition? {
        guard let topic = transactionStateTopic() else { return nil }
        return topic.partitions[Int(TransactionStateTopic.partition(of: id, count: topic.partitions.count))]
    }

    /// The node that coordinates the id's transactions; nil while there is none.
    func coordinatorNode(of id: String) -> Int32? { coordinator(of: id)?.leader }

    /// How often the coordinator of the id has changed.
    func coordinatorEpoch(of id: String) -> Int32 { coordinator(of: id)?.leaderEpoch ?? 0 }

    /// How much longer the id's coordinator reads its state after a move; nil when it is ready.
    func coordinatorLoading(of id: String) -> Duration? {
        guard !loadingCoordinators.isEmpty, let partition = coordinator(of: id)?.id.partition,
            let until = loadingCoordinators[partition]
        else { return nil }
        let rest = until - now
        if rest <= 0 { loadingCoordinators[partition] = nil }
        return rest > 0 ? .milliseconds(rest) : nil
    }

    /// The partitions that a transaction has written to.
    func partitions(ofTransaction id: String) -> [TopicPartition] {
        transactions.transactions[id]?.partitions.sorted() ?? []
    }

    /// The error of a transactional request that comes to the wrong node, or too early.
    func coordinatorError(for id: String, _ context: RequestContext) -> KafkaErrorCode? {
        guard !id.isEmpty else { return nil }
        guard let node = coordinatorNode(of: id) else { return .coordinatorNotAvailable }
        guard node == context.connection.node else { return .notCoordinator }
        return coordinatorLoading(of: id) == nil ? nil : .coordinatorLoadInProgress
    }

    /// The error of a request about all transactions that a node coordinates, while it reads the state of some.
    func coordinatorError(of node: Int32) -> KafkaErrorCode? {
        let isLoading = topics[TransactionStateTopic.name]?.partitions.contains { partition in
            partition.leader == node && (loadingCoordinators[partition.id.partition] ?? now) > now
        }
        return isLoading == true ? .coordinatorLoadInProgress : nil
    }

    /// Makes another node the coordinator of one transactional id, or of all, which reads its state for `loading` first; the
    /// same node may be named again, as one that was restarted. False if there is no such node.
    func moveTransactionCoordinator(of id: String?, to node: Int32, loading: Duration) -> Bool {
        guard (1...Int32(endpoints.count)).contains(node), let topic = transactionStateTopic() else { return false }
        let moved = id.map { [TransactionStateTopic.partition(of: $0, count: topic.partitions.count)] }
        for partition in topic.partitions where moved?.contains(partition.id.partition) ?? true {
            partition.moveLeader(to: node)
            _ = saveLeader(of: partition)
            if loading > .zero { loadingCoordinators[partition.id.partition] = now + loading.milliseconds }
        }
        return true
    }
}
