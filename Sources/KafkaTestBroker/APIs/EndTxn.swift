/// `EndTxn`: commits or aborts a transaction. Since version 2 a fenced producer has a code of its own.
enum EndTxn {
    struct Request: RequestBody {
        var transactionalID = ""
        var producer = TransactionTable.Producer()
        var commits = false

        mutating func fields(_ wire: inout Coder) { wire(&transactionalID, &producer, &commits) }

        var transactionalIDs: [String] { [transactionalID] }

        func targets(_ broker: Broker, _ context: RequestContext) -> [TopicPartition] {
            broker.partitions(ofTransaction: transactionalID)
        }
    }
}

extension Broker {
    /// Decides the outcome, answers, and has the markers written behind the answer: until they are, the transactional id can
    /// begin nothing new.
    func endTxn(_ request: EndTxn.Request, _ context: RequestContext) {
        func answer(_ code: KafkaErrorCode) {
            context.reply(ErrorResponse(error: fencedError(code, since: 2, context)))
        }
        let id = request.transactionalID
        if let code = context.injectedError() ?? coordinatorError(for: id, context) { return answer(code) }
        switch transactions.end(id, producer: request.producer, commit: request.commits, now: now) {
        case .done: answer(context.errorAfterEffect() ?? .none)
        case .refuse(let code): answer(code)
        case .writeMarkers:
            guard save(transaction: id) else { return answer(.kafkaStorageError) }
            answer(context.errorAfterEffect() ?? .none)
            writeMarkers(of: id, context.markerTiming)
        }
    }
}
