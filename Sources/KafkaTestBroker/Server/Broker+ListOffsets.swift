extension Broker {
    func listOffsets(_ request: ListOffsetsRequest, _ context: RequestContext) {
        let topics = request.topics.map { topic in
            ListOffsetsResponse.ListOffsetsTopic(
                name: topic.name,
                partitions: topic.partitions.map { wanted in
                    var answer = listOffset(
                        wanted, of: TopicPartition(topic: topic.name, partition: wanted.partitionIndex),
                        committedOnly: request.isolationLevel == 1, context)
                    answer.partitionIndex = wanted.partitionIndex
                    return answer
                })
        }
        context.reply(ListOffsetsResponse(topics: topics))
    }

    private func listOffset(
        _ wanted: ListOffsetsRequest.ListOffsetsPartition, of id: TopicPartition, committedOnly: Bool,
        _ context: RequestContext
    ) -> ListOffsetsResponse.ListOffsetsPartition {
        if let code = context.injectedError(id) { return .init(errorCode: code) }
        guard let partition = partition(id) else { return .init(errorCode: .unknownTopicOrPartition) }
        let leadership = partition.leadershipError(
            node: context.connection.node, clientEpoch: wanted.currentLeaderEpoch)
        guard leadership == .none else { return .init(errorCode: leadership) }
        let log = partition.log
        let end = committedOnly ? log.lastStableOffset : log.endOffset
        func found(_ offset: Int64, timestamp: Int64 = -1) -> ListOffsetsResponse.ListOffsetsPartition {
            .init(timestamp: timestamp, offset: offset, leaderEpoch: partition.leaderEpoch)
        }
        switch wanted.timestamp {
        case -1: return found(end)
        case -2, -4: return found(log.startOffset)
        case -3:
            let latest = log.latestRecord(before: end)
            return found(latest?.offset ?? -1, timestamp: latest?.timestamp ?? -1)
        case -5: return found(-1)
        case 0...:
            let first = log.firstRecord(atOrAfter: wanted.timestamp, before: end)
            return first.map { found($0.offset, timestamp: $0.timestamp) } ?? .init(leaderEpoch: -1)
        default: return .init(errorCode: .unsupportedVersion)
        }
    }
}
