/// `CreatePartitions`: topics get more partitions.
enum CreatePartitions {
    struct Request: RequestBody {
        var topics: [Wanted] = []
        var validateOnly = false

        mutating func fields(_ wire: inout Coder) {
            wire(&topics)
            wire.unused("timeout_ms", Int32(0))
            wire(&validateOnly)
        }

        func targets(_ broker: Broker, _ context: RequestContext) -> [TopicPartition] {
            topics.map { .init(topic: $0.name, partition: -1) }
        }
    }

    struct Wanted: Message {
        var name = ""
        var count: Int32 = 0
        var assignments: [Assignment]?

        mutating func fields(_ wire: inout Coder) { wire(&name, &count, &assignments) }
    }

    struct Assignment: Message {
        mutating func fields(_ wire: inout Coder) { wire.unused("broker_ids", [Int32]()) }
    }

    typealias Response = ListResponse<Answer>

    struct Answer: Message {
        var name = ""
        var error = KafkaErrorCode.none
        var message: String?

        mutating func fields(_ wire: inout Coder) { wire(&name, &error, &message) }
    }
}

extension Broker {
    func createPartitions(_ request: CreatePartitions.Request, _ context: RequestContext) {
        let answers = request.topics.map { wanted in
            var answer = CreatePartitions.Answer(name: wanted.name)
            do throws(Refusal) {
                try context.checkFault(topic: wanted.name)
                try createPartitions(wanted, validateOnly: request.validateOnly)
            } catch {
                (answer.error, answer.message) = (error.code, error.message)
            }
            return answer
        }
        context.reply(CreatePartitions.Response(answers: answers))
    }

    private func createPartitions(_ wanted: CreatePartitions.Wanted, validateOnly: Bool) throws(Refusal) {
        guard let topic = topics[wanted.name] else {
            throw Refusal(.unknownTopicOrPartition, "The topic '\(wanted.name)' does not exist.")
        }
        let present = topic.partitions.count
        guard Int(wanted.count) > present else {
            throw Refusal(.invalidPartitions, "The topic has \(present) partitions, which can only grow")
        }
        guard Int(wanted.count) - present <= Self.maxPartitionsPerRequest else {
            throw Refusal(.policyViolation, "Too many partitions at once")
        }
        if let assignments = wanted.assignments, assignments.count != Int(wanted.count) - present {
            throw Refusal(.invalidReplicaAssignment, "The assignment does not name each new partition")
        }
        if validateOnly { return }
        do {
            try addPartitions(to: topic, count: Int(wanted.count))
        } catch {
            throw Refusal(.kafkaStorageError, "The partitions cannot be stored: \(error)")
        }
        guard save(topic) else { throw Refusal(.kafkaStorageError, "The partitions cannot be stored") }
    }
}
