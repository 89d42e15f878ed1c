extension Broker {
    func addPartitionsToTxn(_ request: AddPartitionsToTxnRequest, _ context: RequestContext) {
        let partitions = request.topics.flatMap { topic in
            topic.partitions.map { TopicPartition(topic: topic.name, partition: $0) }
        }
        let missing = Set(partitions.filter { partition($0) == nil })
        var error = coordinatorError(for: request.transactionalID, context) ?? .none
        let isAtCoordinator = error == .none
        let isRefused = partitions.contains { context.injectedError($0) != nil }
        if isAtCoordinator && missing.isEmpty && !isRefused {
            error = transactions.add(
                partitions, to: request.transactionalID,
                producer: .init(id: request.producerID, epoch: request.producerEpoch), now: now)
            if error == .none && !save(transaction: request.transactionalID) { error = .kafkaStorageError }
        }
        error = fencedError(error, since: 2, context)
        func result(_ id: TopicPartition) -> KafkaErrorCode {
            if let injected = context.injectedError(id) { return injected }
            guard isAtCoordinator else { return error }
            if missing.contains(id) { return .unknownTopicOrPartition }
            if !missing.isEmpty || isRefused { return .operationNotAttempted }
            return error == .none ? context.errorAfterEffect(id) ?? .none : error
        }
        context.reply(
            AddPartitionsToTxnResponse(
                resultsByTopic: request.topics.map { topic in
                    .init(
                        name: topic.name,
                        resultsByPartition: topic.partitions.map { index in
                            .init(
                                partitionIndex: index,
                                partitionErrorCode: result(TopicPartition(topic: topic.name, partition: index)))
                        })
                }))
    }

    /// Older clients know the fenced producer by another code.
    func fencedError(_ code: KafkaErrorCode, since version: Int16, _ context: RequestContext) -> KafkaErrorCode {
        context.version < version && code == .producerFenced ? .invalidProducerEpoch : code
    }
}
