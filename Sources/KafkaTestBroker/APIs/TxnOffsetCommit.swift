/// `TxnOffsetCommit`: offsets that become a group's when the transaction commits.
///
/// Version 3 checks the member; clients of version 4 know that they may go on after an abort.
enum TxnOffsetCommit {
    struct Request: TopicsRequest {
        var transactionalID = ""
        var groupID = ""
        var producer = TransactionTable.Producer()
        var generation: Int32 = -1
        var memberID = ""
        var instanceID: String?
        var topics: [TopicItems<Item>] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&transactionalID, &groupID, &producer)
            wire(&generation, &memberID, &instanceID, 3...)
            wire(&topics)
        }

        var transactionalIDs: [String] { [transactionalID] }
    }

    struct Item: Message, PartitionItem {
        var index: Int32 = 0
        var offset: Int64 = 0
        var leaderEpoch: Int32 = -1
        var metadata: String?

        mutating func fields(_ wire: inout Coder) {
            wire(&index, &offset)
            wire(&leaderEpoch, 2...)
            wire(&metadata)
        }
    }

    typealias Response = ListResponse<TopicItems<PartitionOutcome>>
}

extension Broker {
    func txnOffsetCommit(_ request: TxnOffsetCommit.Request, _ context: RequestContext) {
        let error = commitError(request, version: context.version)
        let group = groups.group(request.groupID, create: error == .none)
        let topics = answers(to: request.topics, context) { (id, item) throws(KafkaErrorCode) in
            try context.injectedError(id).check()
            try error.check()
            try commit(
                id, item.offset, item.leaderEpoch, item.metadata, to: group, producerID: request.producer.id)
            try context.errorAfterEffect(id).check()
            return PartitionOutcome()
        }
        context.reply(TxnOffsetCommit.Response(answers: topics))
    }

    private func commitError(_ request: TxnOffsetCommit.Request, version: Int16) -> KafkaErrorCode {
        do throws(KafkaErrorCode) {
            guard coordinatorLoading(of: request.transactionalID) == nil else { throw .coordinatorLoadInProgress }
            try transactions.verify(
                group: request.groupID, in: request.transactionalID, producer: request.producer)
            guard request.generation >= 0 || !request.memberID.isEmpty else { return .none }
            guard groups.group(request.groupID, create: false) != nil else { throw .illegalGeneration }
            _ = try member(
                request.memberID, request.instanceID, of: request.groupID, generation: request.generation)
            return .none
        } catch {
            return error == .invalidTxnState && version >= 4 ? .transactionAbortable : error
        }
    }
}
