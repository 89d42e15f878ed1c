/// `DeleteRecords`: moves the first readable offset of partitions.
enum DeleteRecords {
    struct Request: TopicsRequest {
        var topics: [TopicItems<Item>] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&topics)
            wire.unused("timeout_ms", Int32(0))
        }
    }

    struct Item: Message, PartitionItem {
        var index: Int32 = 0
        var offset: Int64 = 0

        mutating func fields(_ wire: inout Coder) { wire(&index, &offset) }
    }

    struct Answer: PartitionAnswer {
        var index: Int32 = 0
        var lowWatermark: Int64 = -1
        var error = KafkaErrorCode.none

        mutating func fields(_ wire: inout Coder) { wire(&index, &lowWatermark, &error) }
    }

    typealias Response = ListResponse<TopicItems<Answer>>
}

extension Broker {
    func deleteRecords(_ request: DeleteRecords.Request, _ context: RequestContext) {
        let topics = answers(to: request.topics, context) { (id, item) throws(KafkaErrorCode) in
            let (topic, partition) = try leading(id, context)
            guard topic.settings.deletes else { throw .policyViolation }
            let target = item.offset == -1 ? partition.log.endOffset : item.offset
            guard (0...partition.log.endOffset).contains(target) else { throw .offsetOutOfRange }
            try storing("delete records") { try partition.log.moveStart(to: target) }
            return DeleteRecords.Answer(lowWatermark: partition.log.startOffset)
        }
        context.reply(DeleteRecords.Response(answers: topics))
    }
}
