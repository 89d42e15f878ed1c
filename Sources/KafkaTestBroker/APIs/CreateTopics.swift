/// `CreateTopics`. Version 5 answers with the settings, 7 with the topic's id.
enum CreateTopics {
    struct Request: RequestBody {
        var topics: [Wanted] = []
        var validateOnly = false

        mutating func fields(_ wire: inout Coder) {
            wire(&topics)
            wire.unused("timeout_ms", Int32(0))
            wire(&validateOnly, 1...)
        }

        func targets(_ broker: Broker, _ context: RequestContext) -> [TopicPartition] {
            topics.map { .init(topic: $0.name, partition: -1) }
        }
    }

    struct Wanted: Message {
        var name = ""
        /// -1 for the broker's default.
        var partitions: Int32 = -1
        var replicationFactor: Int16 = -1
        var assignments: [Assignment] = []
        var settings: [Setting] = []

        mutating func fields(_ wire: inout Coder) {
            wire(&name, &partitions, &replicationFactor)
            wire(&assignments, &settings)
        }
    }

    struct Assignment: Message {
        var index: Int32 = 0

        mutating func fields(_ wire: inout Coder) {
            wire(&index)
            wire.unused("broker_ids", [Int32]())
        }
    }

    struct Setting: Message {
        var name = ""
        var value: String?

        mutating func fields(_ wire: inout Coder) { wire(&name, &value) }
    }

    typealias Response = ListResponse<Answer>

    struct Answer: Message {
        var name = ""
        var id = KafkaUUID.zero
        var error = KafkaErrorCode.none
        var message: String?
        var partitions: Int32 = -1
        var replicationFactor: Int16 = -1
        var settings: [DescribedSetting]?

        mutating func fields(_ wire: inout Coder) {
            wire(&name)
            wire(&id, 7...)
            wire(&error)
            wire(&message, 1...)
            wire(&partitions, &replicationFactor, &settings, 5...)
        }
    }

    struct DescribedSetting: Message {
        var name = ""
        var value: String?
        var source = SettingSource.byDefault

        mutating func fields(_ wire: inout Coder) {
            wire(&name, &value)
            wire.unused("read_only", false)
            wire(&source)
            wire.unused("is_sensitive", false)
        }
    }
}

extension Broker {
    /// Apache Kafka takes no more partitions than this in one request.
    static let maxPartitionsPerRequest = 10_000

    func createTopics(_ request: CreateTopics.Request, _ context: RequestContext) {
        let names = request.topics.map(\.name)
        let answers = request.topics.map { wanted in
            do throws(Refusal) {
                try context.checkFault(topic: wanted.name)
                if names.filter({ $0 == wanted.name }).count > 1 {
                    throw Refusal(.invalidRequest, "Duplicate topic name.")
                }
                return try create(wanted, validateOnly: request.validateOnly)
            } catch {
                return CreateTopics.Answer(name: wanted.name, error: error.code, message: error.message)
            }
        }
        context.reply(CreateTopics.Response(answers: answers))
    }

    private func create(_ wanted: CreateTopics.Wanted, validateOnly: Bool) throws(Refusal) -> CreateTopics.Answer {
        guard Topic.isValidName(wanted.name) else { throw Refusal(.invalidTopic, "The topic name is not allowed") }
        guard topics[wanted.name] == nil else {
            throw Refusal(.topicAlreadyExists, "Topic '\(wanted.name)' already exists.")
        }
        if let other = collision(with: wanted.name) {
            throw Refusal(.invalidTopic, "The topic name collides with the existing topic \(other)")
        }
        let count = try partitionCount(wanted)
        guard count <= Self.maxPartitionsPerRequest else {
            throw Refusal(.policyViolation, "Too many partitions at once")
        }
        var settings = defaultSettings
        for setting in wanted.settings {
            guard let value = setting.value else { throw Refusal(.invalidConfig, "\(setting.name) has no value") }
            try settings.change(setting.name, to: value)
        }
        var answer = CreateTopics.Answer(
            name: wanted.name, partitions: Int32(count), replicationFactor: Int16(endpoints.count))
        answer.settings = settings.described.map {
            .init(name: $0.name, value: $0.value, source: settings.overrides[$0.name] == nil ? .byDefault : .topic)
        }
        if validateOnly { return answer }
        do {
            answer.id = try createTopic(wanted.name, partitions: count, settings: settings).id
        } catch {
            throw Refusal(.kafkaStorageError, "The topic cannot be stored: \(error)")
        }
        return answer
    }

    private func partitionCount(_ wanted: CreateTopics.Wanted) throws(Refusal) -> Int {
        if !wanted.assignments.isEmpty {
            guard wanted.partitions == -1, wanted.replicationFactor == -1 else {
                throw Refusal(.invalidRequest, "An assignment excludes a number of partitions or replicas")
            }
            let indexes = wanted.assignments.map(\.index).sorted()
            guard indexes.elementsEqual(0..<Int32(indexes.count)) else {
                throw Refusal(.invalidReplicaAssignment, "The assignment's partitions must count from 0")
            }
            return indexes.count
        }
        guard wanted.partitions == -1 || wanted.partitions > 0 else {
            throw Refusal(.invalidPartitions, "The number of partitions must be larger than 0.")
        }
        let factor = wanted.replicationFactor
        guard factor == -1 || factor > 0 else {
            throw Refusal(.invalidReplicationFactor, "The replication factor must be larger than 0.")
        }
        guard Int(factor) <= endpoints.count else {
            throw Refusal(
                .invalidReplicationFactor,
                "The replication factor \(factor) is larger than the number of brokers, \(endpoints.count)")
        }
        return wanted.partitions == -1 ? configuration.defaultPartitions : Int(wanted.partitions)
    }
}
