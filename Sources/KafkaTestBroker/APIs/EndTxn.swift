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
    func endTxn(_ request: EndTxn.Request, _ context: RequestContext) throws(KafkaErrorCode) -> ErrorResponse {
        let id = request.transactionalID
        try coordinatorError(for: id, context).check()
        if try transactions.end(id, producer: request.producer, commit: request.commits, now: now) {
            guard save(transaction: id) else { throw .kafkaStorageError }
            context.afterReply = { [self] in writeMarkers(of: id, context.markerTiming) }
        }
        try context.errorAfterEffect().check()
        return ErrorResponse()
    }
}
