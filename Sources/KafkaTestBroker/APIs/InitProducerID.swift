/// `InitProducerId`: gives a producer its id and epoch, and fences those that had the transactional id before.
///
/// Version 3 lets a producer name what it has; clients of version 4 know that they can be fenced by a code of its own.
enum InitProducerID {
    struct Request: RequestBody {
        var transactionalID: String?
        var timeoutMilliseconds: Int32 = 0
        var producer = TransactionTable.Producer()

        mutating func fields(_ wire: inout Coder) {
            wire(&transactionalID, &timeoutMilliseconds)
            wire(&producer, 3...)
        }

        var transactionalIDs: [String] { transactionalID.map { [$0] } ?? [] }

        func targets(_ broker: Broker, _ context: RequestContext) -> [TopicPartition] {
            transactionalID.map(broker.partitions(ofTransaction:)) ?? []
        }
    }

    struct Response: Message {
        var error = KafkaErrorCode.none
        var producer = TransactionTable.Producer()

        mutating func fields(_ wire: inout Coder) {
            wire.throttleTime()
            wire(&error, &producer)
        }
    }
}

extension Broker {
    func initProducerID(_ request: InitProducerID.Request, _ context: RequestContext) {
        do throws(KafkaErrorCode) {
            try context.injectedError().check()
            let producer = try initialize(request, context)
            try context.errorAfterEffect().check()
            context.reply(InitProducerID.Response(producer: producer))
        } catch {
            context.reply(InitProducerID.Response(error: fencedError(error, since: 4, context)))
            if let id = request.transactionalID { writeMarkers(of: id, context.markerTiming) }
        }
    }

    private func initialize(
        _ request: InitProducerID.Request, _ context: RequestContext
    ) throws(KafkaErrorCode) -> TransactionTable.Producer {
        let expected = request.producer
        guard (expected.id == -1) == (expected.epoch == -1) else { throw .invalidRequest }
        guard let id = request.transactionalID else { return .init(id: drawProducerID(), epoch: 0) }
        guard !id.isEmpty else { throw .invalidRequest }
        guard (1...configuration.maxTransactionTimeoutMilliseconds).contains(request.timeoutMilliseconds) else {
            throw .invalidTransactionTimeout
        }
        try coordinatorError(for: id, context).check()
        let decision = transactions.initialize(
            id, timeout: request.timeoutMilliseconds, expected: expected.id == -1 ? nil : expected, now: now,
            drawID: drawProducerID)
        switch decision {
        case .ready(let producer):
            guard save(transaction: id) else { throw .kafkaStorageError }
            return producer
        case .refuse(let code): throw code
        case .abortPredecessor:
            guard prepareAbort(id) else { throw .kafkaStorageError }
            // As Apache Kafka answers: the client asks again, and gets an epoch that nobody else has seen.
            throw context.errorAfterEffect() ?? .concurrentTransactions
        }
    }

    /// Older clients know the fenced producer by another code.
    func fencedError(_ code: KafkaErrorCode, since version: Int16, _ context: RequestContext) -> KafkaErrorCode {
        context.version < version && code == .producerFenced ? .invalidProducerEpoch : code
    }
}
