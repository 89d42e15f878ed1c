import Logging

extension Broker {
    func initProducerID(_ request: InitProducerIDRequest, _ context: RequestContext) {
        func refuse(_ code: KafkaErrorCode) {
            // Before version 4 clients do not know that they can be fenced by this code.
            let known = context.version < 4 && code == .producerFenced ? .invalidProducerEpoch : code
            context.reply(InitProducerIDResponse(errorCode: known, producerEpoch: -1))
        }
        if let code = context.injectedError() { return refuse(code) }
        guard (request.producerID == -1) == (request.producerEpoch == -1) else { return refuse(.invalidRequest) }
        guard let id = request.transactionalID else {
            return context.reply(InitProducerIDResponse(producerID: drawProducerID(), producerEpoch: 0))
        }
        guard !id.isEmpty else { return refuse(.invalidRequest) }
        guard (1...configuration.maxTransactionTimeoutMilliseconds).contains(request.transactionTimeoutMilliseconds)
        else {
            return refuse(.invalidTransactionTimeout)
        }
        let expected =
            request.producerID == -1
            ? nil : TransactionTable.Producer(id: request.producerID, epoch: request.producerEpoch)
        let decision = transactions.initialize(
            id, timeout: request.transactionTimeoutMilliseconds, expected: expected, now: now,
            drawID: drawProducerID)
        switch decision {
        case .ready(let producer):
            guard save(transaction: id) else { return refuse(.kafkaStorageError) }
            context.reply(InitProducerIDResponse(producerID: producer.id, producerEpoch: producer.epoch))
        case .refuse(let code):
            refuse(code)
        case .abortPredecessor:
            // As Apache Kafka answers: the client asks again, and gets an epoch that nobody else has seen.
            refuse(abortOpenTransaction(id) ? .concurrentTransactions : .kafkaStorageError)
        }
    }

    func addPartitionsToTxn(_ request: AddPartitionsToTxnRequest, _ context: RequestContext) {
        let partitions = request.topics.flatMap { topic in
            topic.partitions.map { TopicPartition(topic: topic.name, partition: $0) }
        }
        let missing = Set(partitions.filter { partition($0) == nil })
        var error = KafkaErrorCode.none
        let isRefused = partitions.contains { context.injectedError($0) != nil }
        if missing.isEmpty && !isRefused {
            error = transactions.add(
                partitions, to: request.transactionalID,
                producer: .init(id: request.producerID, epoch: request.producerEpoch), now: now)
            if error == .none && !save(transaction: request.transactionalID) { error = .kafkaStorageError }
        }
        error = fencedError(error, since: 2, context)
        context.reply(
            AddPartitionsToTxnResponse(
                resultsByTopic: request.topics.map { topic in
                    .init(
                        name: topic.name,
                        resultsByPartition: topic.partitions.map { index in
                            let id = TopicPartition(topic: topic.name, partition: index)
                            let code =
                                if let injected = context.injectedError(id) {
                                    injected
                                } else if missing.contains(id) {
                                    KafkaErrorCode.unknownTopicOrPartition
                                } else if !missing.isEmpty || isRefused {
                                    KafkaErrorCode.operationNotAttempted
                                } else {
                                    error
                                }
                            return .init(partitionIndex: index, partitionErrorCode: code)
                        })
                }))
    }

    func addOffsetsToTxn(_ request: AddOffsetsToTxnRequest, _ context: RequestContext) {
        var error =
            context.injectedError()
            ?? transactions.add(
                [], group: request.groupID, to: request.transactionalID,
                producer: .init(id: request.producerID, epoch: request.producerEpoch), now: now)
        if error == .none && !save(transaction: request.transactionalID) { error = .kafkaStorageError }
        context.reply(AddOffsetsToTxnResponse(errorCode: fencedError(error, since: 2, context)))
    }

    func endTxn(_ request: EndTxnRequest, _ context: RequestContext) {
        if let code = context.injectedError() { return context.reply(EndTxnResponse(errorCode: code)) }
        let ending = transactions.end(
            request.transactionalID, producer: .init(id: request.producerID, epoch: request.producerEpoch),
            commit: request.committed, now: now)
        switch ending {
        case .done: context.reply(EndTxnResponse())
        case .refuse(let code): context.reply(EndTxnResponse(errorCode: fencedError(code, since: 2, context)))
        case .writeMarkers:
            let done = save(transaction: request.transactionalID) && finish(transaction: request.transactionalID)
            context.reply(
                EndTxnResponse(errorCode: done ? context.errorAfterEffect() ?? .none : .kafkaStorageError))
        }
    }

    /// Older clients know the fenced producer by another code.
    private func fencedError(_ code: KafkaErrorCode, since version: Int16, _ context: RequestContext) -> KafkaErrorCode
    {
        context.version < version && code == .producerFenced ? .invalidProducerEpoch : code
    }

    // MARK: Markers

    /// Aborts the open transaction of an id whose epoch was just raised.
    func abortOpenTransaction(_ id: String) -> Bool {
        guard let transaction = transactions.transactions[id] else { return true }
        let ending = transactions.end(
            id, producer: .init(id: transaction.producerID, epoch: transaction.epoch), commit: false, now: now)
        guard ending == .writeMarkers else { return true }
        return save(transaction: id) && finish(transaction: id)
    }

    /// Writes the markers of a transaction whose outcome stands, and notes that it is complete.
    func finish(transaction id: String) -> Bool {
        guard let transaction = transactions.transactions[id] else { return true }
        let marker = TransactionMarker(
            producerID: transaction.producerID, epoch: transaction.epoch,
            commits: transaction.state == .prepareCommit)
        do {
            for partitionID in transaction.partitions.sorted() {
                guard let topic = topics[partitionID.topic], let partition = partition(partitionID) else { continue }
                try append(marker, to: partition, settings: topic.settings)
            }
            for group in transaction.groups.sorted() {
                try groups.end(transaction: transaction.producerID, in: group, commits: marker.commits)
            }
        } catch {
            logger.error("cannot write transaction markers", metadata: ["id": "\(id)", "error": "\(error)"])
            return false
        }
        transactions.complete(id, now: now)
        return save(transaction: id)
    }

    private func append(_ marker: TransactionMarker, to partition: Partition, settings: TopicSettings) throws {
        let log = partition.log
        let refusal = log.producers.judgeMarker(
            producerID: marker.producerID, epoch: marker.epoch, coordinatorEpoch: TransactionMarker.coordinatorEpoch)
        // A marker older than what the log has seen has nothing left to end.
        guard refusal == .none else { return }
        let batch = marker.batch(timestamp: now)
        guard let header = RecordBatchHeader(batch) else { return }
        let written = try log.append(
            batch, header: header, leaderEpoch: partition.leaderEpoch, now: now, settings: settings)
        log.note(marker, at: written)
        partition.wakeReaders()
    }

    /// Aborts transactions that have outlived their timeout, and fences their producers.
    func abortTimedOutTransactions() {
        for id in transactions.timedOut(now: now) {
            logger.notice("aborting a transaction that timed out", metadata: ["id": "\(id)"])
            transactions.fence(id)
            _ = abortOpenTransaction(id)
        }
    }

    private func save(transaction id: String) -> Bool {
        guard let transaction = transactions.transactions[id] else { return true }
        return save("transaction", id, transaction)
    }
}
