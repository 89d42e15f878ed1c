/// `AddOffsetsToTxn`: a group's offsets join a transaction. Since version 2 a fenced producer has a code of its own.
enum AddOffsetsToTxn {
    struct Request: RequestBody {
        var transactionalID = ""
        var producer = TransactionTable.Producer()
        var groupID = ""

        mutating func fields(_ wire: inout Coder) { wire(&transactionalID, &producer, &groupID) }

        var transactionalIDs: [String] { [transactionalID] }
    }
}

extension Broker {
    func addOffsetsToTxn(
        _ request: AddOffsetsToTxn.Request, _ context: RequestContext
    ) throws(KafkaErrorCode) -> ErrorResponse {
        let id = request.transactionalID
        try coordinatorError(for: id, context).check()
        try transactions.add([], group: request.groupID, to: id, producer: request.producer, now: now)
        guard save(transaction: id) else { throw .kafkaStorageError }
        try context.errorAfterEffect().check()
        return ErrorResponse()
    }
}
