extension Broker {
    func initProducerID(_ request: InitProducerIDRequest, _ context: RequestContext) {
        func refuse(_ code: KafkaErrorCode) {
            // Before version 4 clients do not know that they can be fenced by this code.
            let known = context.version < 4 && code == .producerFenced ? .invalidProducerEpoch : code
            context.reply(InitProducerIDResponse(errorCode: known, producerEpoch: -1))
        }
        func accept(_ producer: TransactionTable.Producer) {
            if let code = context.errorAfterEffect() { return refuse(code) }
            context.reply(InitProducerIDResponse(producerID: producer.id, producerEpoch: producer.epoch))
        }
        if let code = context.injectedError() { return refuse(code) }
        guard (request.producerID == -1) == (request.producerEpoch == -1) else { return refuse(.invalidRequest) }
        guard let id = request.transactionalID else { return accept(.init(id: drawProducerID(), epoch: 0)) }
        guard !id.isEmpty else { return refuse(.invalidRequest) }
        guard (1...configuration.maxTransactionTimeoutMilliseconds).contains(request.transactionTimeoutMilliseconds)
        else {
            return refuse(.invalidTransactionTimeout)
        }
        if let code = coordinatorError(for: id, context) { return refuse(code) }
        let expected =
            request.producerID == -1
            ? nil : TransactionTable.Producer(id: request.producerID, epoch: request.producerEpoch)
        let decision = transactions.initialize(
            id, timeout: request.transactionTimeoutMilliseconds, expected: expected, now: now,
            drawID: drawProducerID)
        switch decision {
        case .ready(let producer):
            guard save(transaction: id) else { return refuse(.kafkaStorageError) }
            accept(producer)
        case .refuse(let code):
            refuse(code)
        case .abortPredecessor:
            guard prepareAbort(id) else { return refuse(.kafkaStorageError) }
            // As Apache Kafka answers: the client asks again, and gets an epoch that nobody else has seen.
            refuse(context.errorAfterEffect() ?? .concurrentTransactions)
            writeMarkers(of: id, context.markerTiming)
        }
    }
}
