extension Broker {
    /// Decides the outcome, answers, and has the markers written behind the answer: until they are, the transactional id can
    /// begin nothing new.
    func endTxn(_ request: EndTxnRequest, _ context: RequestContext) {
        func answer(_ code: KafkaErrorCode) {
            context.reply(EndTxnResponse(errorCode: fencedError(code, since: 2, context)))
        }
        let id = request.transactionalID
        if let code = context.injectedError() ?? coordinatorError(for: id, context) { return answer(code) }
        let ending = transactions.end(
            id, producer: .init(id: request.producerID, epoch: request.producerEpoch), commit: request.committed,
            now: now)
        switch ending {
        case .done: answer(context.errorAfterEffect() ?? .none)
        case .refuse(let code): answer(code)
        case .writeMarkers:
            guard save(transaction: id) else { return answer(.kafkaStorageError) }
            answer(context.errorAfterEffect() ?? .none)
            writeMarkers(of: id, context.markerTiming)
        }
    }
}
