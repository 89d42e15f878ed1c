import Logging

extension Broker {
    func deleteTopics(_ request: DeleteTopicsRequest, _ context: RequestContext) {
        let wanted =
            context.version >= 6
            ? request.topics.map { (name: $0.name, id: $0.topicID) }
            : request.topicNames.map { (name: String?.some($0), id: KafkaUUID.zero) }
        context.reply(
            DeleteTopicsResponse(
                responses: wanted.map { item in
                    let name = item.name ?? topicNames[item.id]
                    var error = context.injectedError(name.map { .init(topic: $0, partition: -1) }) ?? .none
                    if error == .none {
                        if let name, topics[name] != nil {
                            error = deleteTopic(name)
                        } else {
                            error = item.name == nil ? .unknownTopicID : .unknownTopicOrPartition
                        }
                    }
                    return .init(
                        name: name, topicID: item.id, errorCode: error,
                        errorMessage: error == .none ? nil : "The topic cannot be deleted")
                }))
    }

    private func deleteTopic(_ name: String) -> KafkaErrorCode {
        guard let topic = topics[name] else { return .unknownTopicOrPartition }
        guard save("topic", name, TopicRecord?.none) else { return .kafkaStorageError }
        topics[name] = nil
        topicNames[topic.id] = nil
        transactions.forget(topic: name)
        do {
            try groups.forget(topic: name)
            for partition in topic.partitions { try partition.log.store?.delete() }
        } catch {
            // What is left over is removed at the next start.
            logger.warning("cannot remove a topic's files", metadata: ["topic": "\(name)", "error": "\(error)"])
        }
        for partition in topic.partitions { partition.wakeReaders() }
        return .none
    }

    func createPartitions(_ request: CreatePartitionsRequest, _ context: RequestContext) {
        context.reply(
            CreatePartitionsResponse(
                results: request.topics.map { wanted in
                    do throws(Refused) {
                        if let code = context.injectedError(.init(topic: wanted.name, partition: -1)) {
                            throw Refused(code, "a fault refuses the request")
                        }
                        try createPartitions(wanted, validateOnly: request.validateOnly)
                        return .init(name: wanted.name)
                    } catch {
                        return .init(name: wanted.name, errorCode: error.code, errorMessage: error.message)
                    }
                }))
    }

    private func createPartitions(
        _ wanted: CreatePartitionsRequest.CreatePartitionsTopic, validateOnly: Bool
    ) throws(Refused) {
        guard let topic = topics[wanted.name] else {
            throw Refused(.unknownTopicOrPartition, "The topic '\(wanted.name)' does not exist.")
        }
        let present = topic.partitions.count
        guard Int(wanted.count) > present else {
            throw Refused(.invalidPartitions, "The topic has \(present) partitions, which can only grow")
        }
        guard Int(wanted.count) - present <= Self.maxPartitionsPerRequest else {
            throw Refused(.policyViolation, "Too many partitions at once")
        }
        if let assignments = wanted.assignments, assignments.count != Int(wanted.count) - present {
            throw Refused(.invalidReplicaAssignment, "The assignment does not name each new partition")
        }
        if validateOnly { return }
        do {
            try addPartitions(to: topic, count: Int(wanted.count))
        } catch {
            throw Refused(.kafkaStorageError, "The partitions cannot be stored: \(error)")
        }
        guard save(topic) else { throw Refused(.kafkaStorageError, "The partitions cannot be stored") }
    }

    func deleteRecords(_ request: DeleteRecordsRequest, _ context: RequestContext) {
        context.reply(
            DeleteRecordsResponse(
                topics: request.topics.map { topic in
                    .init(
                        name: topic.name,
                        partitions: topic.partitions.map { wanted in
                            var answer = deleteRecords(
                                TopicPartition(topic: topic.name, partition: wanted.partitionIndex),
                                before: wanted.offset, context)
                            answer.partitionIndex = wanted.partitionIndex
                            return answer
                        })
                }))
    }

    private func deleteRecords(
        _ id: TopicPartition, before offset: Int64, _ context: RequestContext
    ) -> DeleteRecordsResponse.DeleteRecordsPartitionResult {
        func refuse(_ code: KafkaErrorCode) -> DeleteRecordsResponse.DeleteRecordsPartitionResult {
            .init(lowWatermark: -1, errorCode: code)
        }
        if let code = context.injectedError(id) { return refuse(code) }
        guard let topic = topics[id.topic], let partition = partition(id) else {
            return refuse(.unknownTopicOrPartition)
        }
        let leadership = partition.leadershipError(node: context.connection.node)
        guard leadership == .none else { return refuse(leadership) }
        guard topic.settings.deletes else { return refuse(.policyViolation) }
        let target = offset == -1 ? partition.log.endOffset : offset
        guard target >= 0, target <= partition.log.endOffset else { return refuse(.offsetOutOfRange) }
        do {
            try partition.log.moveStart(to: target)
            return .init(lowWatermark: partition.log.startOffset)
        } catch {
            return refuse(.kafkaStorageError)
        }
    }
}
