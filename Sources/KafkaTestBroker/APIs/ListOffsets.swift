/// `ListOffsets`: the first and last offsets of partitions, and those of a time.
enum ListOffsets {
    struct Request: TopicsRequest {
        var isolationLevel: Int8 = 0
        var topics: [TopicItems<Item>] = []

        mutating func fields(_ wire: inout Coder) {
            wire.unused("replica_id", Int32(-1))
            wire(&isolationLevel, 2...)
            wire(&topics)
            wire.unused("timeout_ms", Int32(0), 10...)
        }
    }

    struct Item: Message, PartitionItem {
        var index: Int32 = 0
        var leaderEpoch: Int32 = -1
        var timestamp: Int64 = 0

        mutating func fields(_ wire: inout Coder) {
            wire(&index)
            wire(&leaderEpoch, 4...)
            wire(&timestamp)
        }
    }

    struct Answer: PartitionAnswer {
        var index: Int32 = 0
        var error = KafkaErrorCode.none
        var timestamp: Int64 = -1
        var offset: Int64 = -1
        var leaderEpoch: Int32 = -1

        mutating func fields(_ wire: inout Coder) {
            wire(&index, &error)
            wire(&timestamp, &offset)
            wire(&leaderEpoch, 4...)
        }
    }

    typealias Response = ListResponse<TopicItems<Answer>>
}

extension Broker {
    func listOffsets(_ request: ListOffsets.Request, _ context: RequestContext) {
        let topics = answers(to: request.topics, context) { (id, item) throws(KafkaErrorCode) in
            let partition = try leading(id, clientEpoch: item.leaderEpoch, context).partition
            return try offset(at: item.timestamp, of: partition, committedOnly: request.isolationLevel == 1)
        }
        context.reply(ListOffsets.Response(answers: topics))
    }

    /// The first record at a time or later; negative times have meanings of their own.
    private func offset(
        at timestamp: Int64, of partition: Partition, committedOnly: Bool
    ) throws(KafkaErrorCode) -> ListOffsets.Answer {
        let log = partition.log
        let end = log.end(committedOnly)
        var answer = ListOffsets.Answer(leaderEpoch: partition.leaderEpoch)
        switch timestamp {
        case -1: answer.offset = end
        case -2, -4: answer.offset = log.startOffset
        case -3:
            if let latest = log.latestRecord(before: end) { (answer.offset, answer.timestamp) = latest }
        case -5: break
        case 0...:
            guard let first = log.firstRecord(atOrAfter: timestamp, before: end) else { return ListOffsets.Answer() }
            (answer.offset, answer.timestamp) = first
        default: throw .unsupportedVersion
        }
        return answer
    }
}
