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
    func addOffsetsToTxn(_ request: AddOffsetsToTxn.Request, _ context: RequestContext) {
        let id = request.transactionalID
        var error =
            context.injectedError() ?? coordinatorError(for: id, context)
            ?? transactions.add([], group: request.groupID, to: id, producer: request.producer, now: now)
        if error == .none && !save(transaction: id) { error = .kafkaStorageError }
        if error == .none, let code = context.errorAfterEffect() { error = code }
        context.reply(ErrorResponse(error: fencedError(error, since: 2, context)))
    }
}
