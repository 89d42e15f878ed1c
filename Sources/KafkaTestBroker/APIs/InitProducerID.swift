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

    struct Response: ErrorAnswer {
        var error = KafkaErrorCode.none
        var producer = TransactionTable.Producer()

        mutating func fields(_ wire: inout Coder) {
            wire.throttleTime()
            wire(&error, &producer)
        }
    }
}

extension Broker {
    func initProducerID(
        _ request: InitProducerID.Request, _ context: RequestContext
    ) throws(KafkaErrorCode) -> InitProducerID.Response {
        switch try initialize(request, context) {
        case .ready(let producer):
            try context.errorAfterEffect().check()
            return InitProducerID.Response(producer: producer)
        case .refuse(let code): throw code
        case .abortPredecessor:
            context.afterReply = { [self] in writeMarkers(of: request.transactionalID ?? "", context.markerTiming) }
            // As Apache Kafka answers: the client asks again, and gets an epoch that nobody else has seen.
            throw context.errorAfterEffect() ?? .concurrentTransactions
        }
    }

    private func initialize(
        _ request: InitProducerID.Request, _ context: RequestContext
    ) throws(KafkaErrorCode) -> TransactionTable.Initialization {
        let expected = request.producer
        guard (expected.id == -1) == (expected.epoch == -1) else { throw .invalidRequest }
        guard let id = request.transactionalID else { return .ready(.init(id: drawProducerID(), epoch: 0)) }
        guard !id.isEmpty else { throw .invalidRequest }
        guard (1...configuration.maxTransactionTimeoutMilliseconds).contains(request.timeoutMilliseconds) else {
            throw .invalidTransactionTimeout
        }
        try coordinatorError(for: id, context).check()
        let decision = transactions.initialize(
            id, timeout: request.timeoutMilliseconds, expected: expected.id == -1 ? nil : expected, now: now,
            drawID: drawProducerID)
        let isKept =
            switch decision {
            case .ready: save(transaction: id)
            case .abortPredecessor: prepareAbort(id)
            case .refuse: true
            }
        guard isKept else { throw .kafkaStorageError }
        return decision
    }
}
