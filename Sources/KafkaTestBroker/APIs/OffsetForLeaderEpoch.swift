/// `OffsetForLeaderEpoch`: where a leader's epoch ended, for clients that look whether the log was cut behind them.
enum OffsetForLeaderEpoch {
    struct Request: TopicsRequest {
        var topics: [TopicItems<Item>] = []

        mutating func fields(_ wire: inout Coder) {
            wire.unused("replica_id", Int32(-2), 3...)
            wire(&topics)
        }
    }

    struct Item: Message, PartitionItem {
        var index: Int32 = 0
        var currentLeaderEpoch: Int32 = -1
        var leaderEpoch: Int32 = -1

        mutating func fields(_ wire: inout Coder) { wire(&index, &currentLeaderEpoch, &leaderEpoch) }
    }

    struct Answer: PartitionAnswer {
        var error = KafkaErrorCode.none
        var index: Int32 = 0
        var leaderEpoch: Int32 = -1
        var endOffset: Int64 = -1

        mutating func fields(_ wire: inout Coder) {
            wire(&error, &index)
            wire(&leaderEpoch, &endOffset)
        }
    }

    typealias Response = ListResponse<TopicItems<Answer>>
}

extension Broker {
    func offsetForLeaderEpoch(_ request: OffsetForLeaderEpoch.Request, _ context: RequestContext) {
        let topics = answers(to: request.topics, context) { (id, item) throws(KafkaErrorCode) in
            let partition = try leading(id, clientEpoch: item.currentLeaderEpoch, context).partition
            let end = partition.log.endOfEpoch(item.leaderEpoch, current: partition.leaderEpoch)
            return OffsetForLeaderEpoch.Answer(leaderEpoch: end.epoch, endOffset: end.endOffset)
        }
        context.reply(OffsetForLeaderEpoch.Response(answers: topics))
    }
}
