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
        let id = request.transactionalID
        do throws(KafkaErrorCode) {
            try context.injectedError().check()
            try coordinatorError(for: id, context).check()
            let wantsMarkers = try transactions.end(
                id, producer: request.producer, commit: request.commits, now: now)
            if wantsMarkers && !save(transaction: id) { throw .kafkaStorageError }
            context.reply(ErrorResponse(error: context.errorAfterEffect() ?? .none))
            if wantsMarkers { writeMarkers(of: id, context.markerTiming) }
        } catch {
            context.reply(ErrorResponse(error: fencedError(error, since: 2, context)))
        }
    }
}
