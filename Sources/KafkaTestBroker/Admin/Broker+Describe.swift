extension Broker {
    func describeCluster(_ request: DescribeClusterRequest, _ context: RequestContext) {
        context.reply(
            DescribeClusterResponse(
                errorCode: context.injectedError() ?? .none, endpointType: request.endpointType, clusterID: clusterID,
                controllerID: 1,
                brokers: endpoints.enumerated().map { index, endpoint in
                    .init(brokerID: Int32(index) + 1, host: endpoint.host, port: Int32(endpoint.port))
                }))
    }

    func offsetForLeaderEpoch(_ request: OffsetForLeaderEpochRequest, _ context: RequestContext) {
        context.reply(
            OffsetForLeaderEpochResponse(
                topics: request.topics.map { topic in
                    .init(
                        topic: topic.topic,
                        partitions: topic.partitions.map { wanted in
                            let id = TopicPartition(topic: topic.topic, partition: wanted.partition)
                            if let code = context.injectedError(id) {
                                return .init(errorCode: code, partition: wanted.partition)
                            }
                            guard let partition = partition(id) else {
                                return .init(errorCode: .unknownTopicOrPartition, partition: wanted.partition)
                            }
                            let leadership = partition.leadershipError(
                                node: context.connection.node, clientEpoch: wanted.currentLeaderEpoch)
                            guard leadership == .none else {
                                return .init(errorCode: leadership, partition: wanted.partition)
                            }
                            let end = partition.log.endOfEpoch(wanted.leaderEpoch, current: partition.leaderEpoch)
                            return .init(
                                partition: wanted.partition, leaderEpoch: end.epoch, endOffset: end.endOffset)
                        })
                }))
    }

    func describeProducers(_ request: DescribeProducersRequest, _ context: RequestContext) {
        context.reply(
            DescribeProducersResponse(
                topics: request.topics.map { topic in
                    .init(
                        name: topic.name,
                        partitions: topic.partitionIndexes.map { index in
                            let id = TopicPartition(topic: topic.name, partition: index)
                            if let code = context.injectedError() {
                                return .init(partitionIndex: index, errorCode: code)
                            }
                            guard let partition = partition(id) else {
                                return .init(partitionIndex: index, errorCode: .unknownTopicOrPartition)
                            }
                            return .init(
                                partitionIndex: index,
                                activeProducers: partition.log.producers.entries.sorted { $0.key < $1.key }.map {
                                    .init(
                                        producerID: $0, producerEpoch: Int32($1.epoch), lastSequence: $1.lastSequence,
                                        lastTimestamp: $1.lastTimestamp, coordinatorEpoch: $1.coordinatorEpoch,
                                        currentTxnStartOffset: $1.transactionFirstOffset ?? -1)
                                })
                        })
                }))
    }

    func describeTransactions(_ request: DescribeTransactionsRequest, _ context: RequestContext) {
        context.reply(
            DescribeTransactionsResponse(
                transactionStates: request.transactionalIDs.map { id in
                    if let code = context.injectedError() ?? coordinatorError(for: id, context) {
                        return .init(errorCode: code, transactionalID: id)
                    }
                    guard let transaction = transactions.transactions[id] else {
                        return .init(errorCode: .transactionalIDNotFound, transactionalID: id)
                    }
                    let topics = Dictionary(grouping: transaction.partitions, by: \.topic)
                    return .init(
                        transactionalID: id, transactionState: transaction.state.rawValue,
                        transactionTimeoutMilliseconds: transaction.timeoutMilliseconds,
                        transactionStartTimeMilliseconds: transaction.started, producerID: transaction.producerID,
                        producerEpoch: transaction.epoch,
                        topics: topics.sorted { $0.key < $1.key }.map {
                            .init(topic: $0, partitions: $1.map(\.partition).sorted())
                        })
                }))
    }

    /// Names the transactions that the node coordinates.
    func listTransactions(_ request: ListTransactionsRequest, _ context: RequestContext) {
        if let code = context.injectedError() ?? coordinatorError(of: context.connection.node) {
            return context.reply(ListTransactionsResponse(errorCode: code))
        }
        let known = request.stateFilters.compactMap(Transaction.State.init)
        let now = now
        let listed = transactions.transactions.values.sorted { $0.id < $1.id }.filter { transaction in
            coordinatorNode(of: transaction.id) == context.connection.node
                && (request.stateFilters.isEmpty || known.contains(transaction.state))
                && (request.producerIDFilters.isEmpty || request.producerIDFilters.contains(transaction.producerID))
                && (request.durationFilter < 0
                    || (transaction.started >= 0 && now - transaction.started > request.durationFilter))
        }
        context.reply(
            ListTransactionsResponse(
                unknownStateFilters: request.stateFilters.filter { Transaction.State(rawValue: $0) == nil },
                transactionStates: listed.map {
                    .init(transactionalID: $0.id, producerID: $0.producerID, transactionState: $0.state.rawValue)
                }))
    }
}
