/// `DescribeProducers`: what partitions remember of their producers.
enum DescribeProducers {
    struct Request: TopicsRequest {
        var topics: [TopicItems<Int32>] = []

        mutating func fields(_ wire: inout Coder) { wire(&topics) }
    }

    struct Answer: PartitionAnswer {
        var index: Int32 = 0
        var error = KafkaErrorCode.none
        var producers: [Producer] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&index, &error)
            wire.unused("error_message", String?.none)
            wire(&producers)
        }
    }

    struct Producer: Message {
        var id: Int64 = 0
        var epoch: Int32 = 0
        var lastSequence: Int32 = -1
        var lastTimestamp: Int64 = -1
        var coordinatorEpoch: Int32 = 0
        var transactionStart: Int64 = -1

        mutating func fields(_ wire: inout Coder) {
            wire(&id, &epoch)
            wire(&lastSequence, &lastTimestamp)
            wire(&coordinatorEpoch, &transactionStart)
        }
    }

    typealias Response = ListResponse<TopicItems<Answer>>
}

extension Broker {
    func describeProducers(_ request: DescribeProducers.Request, _ context: RequestContext) {
        let topics = answers(to: request.topics, context) { (id, _) throws(KafkaErrorCode) in
            try context.injectedError(id).check()
            guard let partition = partition(id) else { throw .unknownTopicOrPartition }
            return DescribeProducers.Answer(
                producers: partition.log.producers.entries.sorted { $0.key < $1.key }.map {
                    .init(
                        id: $0, epoch: Int32($1.epoch), lastSequence: $1.lastSequence,
                        lastTimestamp: $1.lastTimestamp, coordinatorEpoch: $1.coordinatorEpoch,
                        transactionStart: $1.transactionFirstOffset ?? -1)
                })
        }
        context.reply(DescribeProducers.Response(answers: topics))
    }
}
