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
        func refuse(_ code: KafkaErrorCode) {
            context.reply(InitProducerID.Response(error: fencedError(code, since: 4, context)))
        }
        do throws(KafkaErrorCode) {
            try context.injectedError().check()
            switch try initialize(request, context) {
            case .ready(let producer):
                try context.errorAfterEffect().check()
                context.reply(InitProducerID.Response(producer: producer))
            case .refuse(let code): throw code
            case .abortPredecessor:
                // As Apache Kafka answers: the client asks again, and gets an epoch that nobody else has seen.
                refuse(context.errorAfterEffect() ?? .concurrentTransactions)
                writeMarkers(of: request.transactionalID ?? "", context.markerTiming)
            }
        } catch {
            refuse(error)
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

    /// Older clients know the fenced producer by another code.
    func fencedError(_ code: KafkaErrorCode, since version: Int16, _ context: RequestContext) -> KafkaErrorCode {
        context.version < version && code == .producerFenced ? .invalidProducerEpoch : code
    }
}
