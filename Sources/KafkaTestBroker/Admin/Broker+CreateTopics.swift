extension Broker {
    /// Apache Kafka takes no more partitions than this in one request.
    static let maxPartitionsPerRequest = 10_000

    func createTopics(_ request: CreateTopicsRequest, _ context: RequestContext) {
        let names = request.topics.map(\.name)
        var response = CreateTopicsResponse()
        for wanted in request.topics {
            var result = CreateTopicsResponse.CreatableTopicResult(name: wanted.name)
            do throws(Refused) {
                if let code = context.injectedError(.init(topic: wanted.name, partition: -1)) {
                    throw Refused(code, "a fault refuses the request")
                }
                if names.filter({ $0 == wanted.name }).count > 1 {
                    throw Refused(.invalidRequest, "Duplicate topic name.")
                }
                try create(wanted, validateOnly: request.validateOnly, &result)
            } catch {
                result.errorCode = error.code
                result.errorMessage = error.message
                result.numPartitions = -1
                result.replicationFactor = -1
            }
            response.topics.append(result)
        }
        context.reply(response)
    }

    struct Refused: Error {
        let code: KafkaErrorCode
        let message: String

        init(_ code: KafkaErrorCode, _ message: String) {
            self.code = code
            self.message = message
        }
    }

    private func create(
        _ wanted: CreateTopicsRequest.CreatableTopic, validateOnly: Bool,
        _ result: inout CreateTopicsResponse.CreatableTopicResult
    ) throws(Refused) {
        guard Topic.isValidName(wanted.name) else {
            throw Refused(.invalidTopic, "The topic name is not allowed")
        }
        guard topics[wanted.name] == nil else {
            throw Refused(.topicAlreadyExists, "Topic '\(wanted.name)' already exists.")
        }
        let key = Topic.collisionKey(wanted.name)
        if let other = topics.keys.first(where: { Topic.collisionKey($0) == key }) {
            throw Refused(.invalidTopic, "The topic name collides with the existing topic \(other)")
        }
        let count = try partitionCount(wanted)
        guard count <= Self.maxPartitionsPerRequest else {
            throw Refused(.policyViolation, "Too many partitions at once")
        }
        var settings = defaultSettings
        for config in wanted.configs {
            guard let value = config.value else { throw Refused(.invalidConfig, "\(config.name) has no value") }
            guard settings.set(config.name, value) else {
                throw Refused(.invalidConfig, "\(config.name) is unknown or cannot be '\(value)'")
            }
        }
        result.numPartitions = Int32(count)
        result.replicationFactor = Int16(endpoints.count)
        result.configs = settings.described.map {
            .init(name: $0.name, value: $0.value, configSource: settings.overrides[$0.name] == nil ? 5 : 1)
        }
        if validateOnly { return }
        do {
            result.topicID = try createTopic(wanted.name, partitions: count, settings: settings).id
        } catch {
            throw Refused(.kafkaStorageError, "The topic cannot be stored: \(error)")
        }
    }

    private func partitionCount(_ wanted: CreateTopicsRequest.CreatableTopic) throws(Refused) -> Int {
        if !wanted.assignments.isEmpty {
            guard wanted.numPartitions == -1, wanted.replicationFactor == -1 else {
                throw Refused(.invalidRequest, "An assignment excludes a number of partitions or replicas")
            }
            let indexes = wanted.assignments.map(\.partitionIndex).sorted()
            guard indexes == (0..<Int32(indexes.count)).map({ $0 }) else {
                throw Refused(.invalidReplicaAssignment, "The assignment's partitions must count from 0")
            }
            return indexes.count
        }
        guard wanted.numPartitions == -1 || wanted.numPartitions > 0 else {
            throw Refused(.invalidPartitions, "The number of partitions must be larger than 0.")
        }
        guard wanted.replicationFactor == -1 || wanted.replicationFactor > 0 else {
            throw Refused(.invalidReplicationFactor, "The replication factor must be larger than 0.")
        }
        guard Int(wanted.replicationFactor) <= endpoints.count else {
            throw Refused(
                .invalidReplicationFactor,
                "The replication factor \(wanted.replicationFactor) is larger than the number of brokers, \(endpoints.count)"
            )
        }
        return wanted.numPartitions == -1 ? configuration.defaultPartitions : Int(wanted.numPartitions)
    }
}
