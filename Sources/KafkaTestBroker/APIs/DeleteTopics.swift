import Logging

/// `DeleteTopics`. Version 6 can name them by their ids.
enum DeleteTopics {
    struct Request: RequestBody {
        var topics: [Wanted] = []

        mutating func fields(_ wire: inout Coder) {
            if wire.format.version < 6 {
                var names = topics.compactMap(\.name)
                wire(&names)
                topics = names.map { Wanted(name: $0) }
            }
            wire(&topics, 6...)
            wire.unused("timeout_ms", Int32(0))
        }

        func targets(_ broker: Broker, _ context: RequestContext) -> [TopicPartition] {
            topics.compactMap { $0.name ?? broker.topicNames[$0.id] }.map { .init(topic: $0, partition: -1) }
        }
    }

    struct Wanted: Message {
        var name: String?
        var id = KafkaUUID.zero

        mutating func fields(_ wire: inout Coder) { wire(&name, &id) }
    }

    typealias Response = ListResponse<Answer>

    struct Answer: Message {
        var name: String?
        var id = KafkaUUID.zero
        var error = KafkaErrorCode.none
        var message: String?

        mutating func fields(_ wire: inout Coder) {
            wire(&name)
            wire(&id, 6...)
            wire(&error)
            wire(&message, 5...)
        }
    }
}

extension Broker {
    func deleteTopics(_ request: DeleteTopics.Request, _ context: RequestContext) {
        let answers = request.topics.map { wanted in
            let name = wanted.name ?? topicNames[wanted.id]
            var answer = DeleteTopics.Answer(name: name, id: wanted.id)
            do throws(KafkaErrorCode) {
                try context.injectedError(name.map { .init(topic: $0, partition: -1) }).check()
                guard let name, let topic = topics[name] else {
                    throw wanted.name == nil ? .unknownTopicID : .unknownTopicOrPartition
                }
                try delete(topic)
            } catch {
                (answer.error, answer.message) = (error, "The topic cannot be deleted")
            }
            return answer
        }
        context.reply(DeleteTopics.Response(answers: answers))
    }

    private func delete(_ topic: Topic) throws(KafkaErrorCode) {
        guard save("topic", topic.name, TopicRecord?.none) else { throw .kafkaStorageError }
        topics[topic.name] = nil
        topicNames[topic.id] = nil
        transactions.forget(topic: topic.name)
        do {
            try groups.forget(topic: topic.name)
            for partition in topic.partitions { try partition.log.store?.delete() }
        } catch {
            // What is left over is removed at the next start.
            logger.warning("cannot remove a topic's files", metadata: ["topic": "\(topic.name)", "error": "\(error)"])
        }
        for partition in topic.partitions { partition.wakeReaders() }
    }
}
