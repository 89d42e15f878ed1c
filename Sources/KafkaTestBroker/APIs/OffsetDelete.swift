/// `OffsetDelete`: forgets offsets of a group without members.
enum OffsetDelete {
    struct Request: TopicsRequest {
        var groupID = ""
        var topics: [TopicItems<Int32>] = []

        mutating func fields(_ wire: inout Coder) { wire(&groupID, &topics) }
    }

    struct Response: ErrorAnswer {
        var error = KafkaErrorCode.none
        var topics: [TopicItems<PartitionOutcome>] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&error)
            wire.throttleTime()
            wire(&topics)
        }
    }
}

extension Broker {
    func offsetDelete(
        _ request: OffsetDelete.Request, _ context: RequestContext
    ) throws(KafkaErrorCode) -> OffsetDelete.Response {
        guard let group = groups.group(request.groupID, create: false) else { throw .groupIDNotFound }
        let topics = answers(to: request.topics, context) { (id, _) throws(KafkaErrorCode) in
            guard partition(id) != nil else { throw .unknownTopicOrPartition }
            // Subscriptions are opaque bytes here: any member may read the topic.
            guard group.members.isEmpty else { throw .groupSubscribedToTopic }
            try storing("delete an offset") { try groups.forget(id, in: group) }
            return PartitionOutcome()
        }
        return OffsetDelete.Response(topics: topics)
    }
}
