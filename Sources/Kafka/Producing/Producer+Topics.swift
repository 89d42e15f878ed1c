internal import CLibRDKafka
internal import DedicatedThread
internal import Synchronization

extension Producer {
    /// Makes topics known to the client and fetches their metadata, so that the first record leaves at once.
    ///
    /// Waits for a broker as long as `limit`, for ever by default.
    /// - Throws: ``KafkaError`` naming the topics that do not exist or may not be seen, or `.timedOut`.
    package func prepare(_ names: [String], within limit: Duration? = nil) async throws(KafkaError) -> [TopicHandle] {
        let start = ContinuousClock.now
        while true {
            if Task.isCancelled { throw KafkaError(.timedOut, message: "Waiting for topics was cancelled") }
            let result = await BlockingCall.run(named: "kafka-topics") { self.lookUp(names) }
            switch result {
            case .success(let handles): return handles
            case .failure(let error):
                guard error.classification.kind == .retry else { throw error }
                if let limit, ContinuousClock.now - start > limit { throw error }
            }
        }
    }

    /// Blocks for at most a second. The client cannot be closed meanwhile, which is why it is not longer.
    private func lookUp(_ names: [String]) -> Result<[TopicHandle], KafkaError> {
        let result = unsafe withClient { client, _ -> Result<[TopicHandle], KafkaError> in
            for name in names {
                if let error = unsafe keepTopic(name, client) { return .failure(error) }
            }
            var metadata: UnsafePointer<rd_kafka_metadata>?
            let response = unsafe rd_kafka_metadata(client, 0, nil, &metadata, 1_000)
            guard let metadata = unsafe metadata else {
                // That the login is refused says more than that nobody answered.
                if case .down(let error) = state.withLock({ $0.connection.status }),
                    error.classification.kind == .refused
                {
                    return .failure(error)
                }
                return .failure(KafkaError(response: response, context: "Asking for topics"))
            }
            defer { unsafe rd_kafka_metadata_destroy(metadata) }
            log(state.withLock { $0.connection.observeAnswer() })
            let found = unsafe TopicMetadata.read(metadata)
            var handles: [TopicHandle] = []
            var absent: [String] = []
            for name in names {
                guard let topic = found[name], topic.error?.classification.kind != .refused else {
                    absent.append(name)
                    continue
                }
                if let error = topic.error { return .failure(error) }
                let index = state.withLock { $0.topicIndex[name] }
                guard let index, topic.partitionCount > 0 else { return .failure(KafkaError(.leaderNotAvailable)) }
                handles.append(TopicHandle(index: Int32(index), partitionCount: topic.partitionCount))
            }
            if let first = absent.first {
                let code = found[first]?.error?.code ?? .unknownTopicOrPartition
                let list = absent.map { "`\($0)`" }.joined(separator: ", ")
                return .failure(KafkaError(code, message: "\(code.text): \(list)"))
            }
            return .success(handles)
        }
        return result ?? .failure(KafkaError(.state, message: "The producer is closed"))
    }

    private func keepTopic(_ name: String, _ client: OpaquePointer) -> KafkaError? {
        if state.withLock({ $0.topicIndex[name] }) != nil { return nil }
        guard let topic = unsafe rd_kafka_topic_new(client, name, nil) else {
            return KafkaError(response: rd_kafka_last_error(), context: "Topic `\(name)`")
        }
        let isDouble = state.withLock { state -> Bool in
            if state.topicIndex[name] != nil { return true }
            state.topicIndex[name] = unsafe state.topics.append(topic)
            return false
        }
        // A second reference to the same topic.
        if isDouble { unsafe rd_kafka_topic_destroy(topic) }
        return nil
    }
}
