extension Broker {
    func addOffsetsToTxn(_ request: AddOffsetsToTxnRequest, _ context: RequestContext) {
        var error =
            context.injectedError() ?? coordinatorError(for: request.transactionalID, context)
            ?? transactions.add(
                [], group: request.groupID, to: request.transactionalID,
                producer: .init(id: request.producerID, epoch: request.producerEpoch), now: now)
        if error == .none && !save(transaction: request.transactionalID) { error = .kafkaStorageError }
        if error == .none, let code = context.errorAfterEffect() { error = code }
        context.reply(AddOffsetsToTxnResponse(errorCode: fencedError(error, since: 2, context)))
    }
}
