/// `AddPartitionsToTxn`: partitions join a transaction, all or none. Since version 2 a fenced producer has a code of its own.
enum AddPartitionsToTxn {
    struct Request: TopicsRequest {
        var transactionalID = ""
        var producer = TransactionTable.Producer()
        var topics: [TopicItems<Int32>] = []

        mutating func fields(_ wire: inout Coder) { wire(&transactionalID, &producer, &topics) }

        var transactionalIDs: [String] { [transactionalID] }
    }

    typealias Response = ListResponse<TopicItems<PartitionOutcome>>
}

extension Broker {
    func addPartitionsToTxn(_ request: AddPartitionsToTxn.Request, _ context: RequestContext) {
        let partitions = request.targets(self, context)
        let missing = Set(partitions.filter { partition($0) == nil })
        let isRefused = !missing.isEmpty || partitions.contains { context.injectedError($0) != nil }
        let id = request.transactionalID
        let isElsewhere = coordinatorError(for: id, context)
        var outcome: KafkaErrorCode?
        do throws(KafkaErrorCode) {
            if isElsewhere == nil && !isRefused {
                try transactions.add(partitions, to: id, producer: request.producer, now: now)
                guard save(transaction: id) else { throw .kafkaStorageError }
            }
        } catch {
            outcome = error
        }
        let topics = answers(to: request.topics, context) { (id, _) throws(KafkaErrorCode) in
            try context.injectedError(id).check()
            try isElsewhere.check()
            if missing.contains(id) { throw .unknownTopicOrPartition }
            if isRefused { throw .operationNotAttempted }
            if let outcome { throw context.known(outcome) }
            try context.errorAfterEffect(id).check()
            return PartitionOutcome()
        }
        context.reply(AddPartitionsToTxn.Response(answers: topics))
    }
}
