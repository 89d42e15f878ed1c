/// `OffsetCommit`: keeps how far a group has read.
enum OffsetCommit {
    struct Request: TopicsRequest {
        var groupID = ""
        var generation: Int32 = -1
        var memberID = ""
        var instanceID: String?
        var topics: [TopicItems<Item>] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&groupID, &generation, &memberID)
            wire(&instanceID, 7...)
            wire.unused("retention_time_ms", Int64(-1), 2...4)
            wire(&topics)
        }
    }

    struct Item: Message, PartitionItem {
        var index: Int32 = 0
        var offset: Int64 = 0
        var leaderEpoch: Int32 = -1
        var metadata: String?

        mutating func fields(_ wire: inout Coder) {
            wire(&index, &offset)
            wire(&leaderEpoch, 6...)
            wire.unused("commit_timestamp", Int64(-1), 1...1)
            wire(&metadata)
        }
    }

    typealias Response = ListResponse<TopicItems<PartitionOutcome>>
}

extension Broker {
    /// Longest text a client may keep with an offset, as Apache Kafka's `offset.metadata.max.bytes`.
    private static let maxMetadataBytes = 4096

    func offsetCommit(_ request: OffsetCommit.Request, _ context: RequestContext) {
        let error = context.injectedError() ?? commitError(request)
        let group = groups.group(request.groupID, create: error == .none)
        let topics = answers(to: request.topics, context) { (id, item) throws(KafkaErrorCode) in
            try error.check()
            try commit(id, item.offset, item.leaderEpoch, item.metadata, to: group)
            return PartitionOutcome()
        }
        context.reply(OffsetCommit.Response(answers: topics))
    }

    private func commitError(_ request: OffsetCommit.Request) -> KafkaErrorCode {
        guard let group = groups.group(request.groupID, create: false) else {
            return request.generation < 0 ? .none : .illegalGeneration
        }
        // Clients that manage their partitions themselves commit without being a member.
        if request.generation < 0 && request.instanceID == nil {
            return group.members.isEmpty && group.state == .empty ? .none : .unknownMemberID
        }
        do throws(KafkaErrorCode) {
            let (_, member) = try member(
                request.memberID, request.instanceID, of: request.groupID, generation: request.generation)
            groups.touch(member, in: group)
            return group.state == .completingRebalance ? .rebalanceInProgress : .none
        } catch {
            return error
        }
    }

    /// Keeps an offset; with a producer's id in its open transaction.
    func commit(
        _ id: TopicPartition, _ offset: Int64, _ leaderEpoch: Int32, _ metadata: String?, to group: Group?,
        producerID: Int64? = nil
    ) throws(KafkaErrorCode) {
        guard let group, partition(id) != nil else { throw .unknownTopicOrPartition }
        guard (metadata?.utf8.count ?? 0) <= Self.maxMetadataBytes else { throw .offsetMetadataTooLarge }
        let offset = CommittedOffset(
            offset: offset, leaderEpoch: leaderEpoch, metadata: metadata ?? "", committed: now)
        try storing("keep an offset") { try groups.commit(offset, for: id, in: group, producerID: producerID) }
    }
}
