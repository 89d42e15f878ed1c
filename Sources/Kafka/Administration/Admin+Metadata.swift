internal import CLibRDKafka
internal import DedicatedThread
internal import Synchronization

extension Admin {
    func metadata(of names: [String]?, within limit: Duration) async throws(KafkaError) -> ClusterDescription {
        let isCancelled = Mutex(false)
        return try await withTaskCancellationHandler {
            await BlockingCall.run(named: "kafka-admin") { [self] in
                fetchMetadata(names, limit) { isCancelled.withLock { $0 } }
            }
        } onCancel: {
            isCancelled.withLock { $0 = true }
        }.get()
    }

    private func fetchMetadata(
        _ names: [String]?, _ limit: Duration, until isCancelled: () -> Bool
    ) -> Result<ClusterDescription, KafkaError> {
        // Topics held for the time of the call are the ones librdkafka asks for.
        var held: [OpaquePointer] = unsafe []
        for name in names ?? [] {
            guard let topic = unsafe rd_kafka_topic_new(handle.pointer, name, nil) else {
                unsafe held.forEach { unsafe rd_kafka_topic_destroy($0) }
                return .failure(KafkaError(response: rd_kafka_last_error(), context: "Topic `\(name)`"))
            }
            unsafe held.append(topic)
        }
        defer { unsafe held.forEach { unsafe rd_kafka_topic_destroy($0) } }
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let deadline = ContinuousClock.now + limit
        var slice = Duration.milliseconds(250)
        var failure: KafkaError?
        // In growing slices, so that a refused login is known before the time is up, and a slow cluster still answers.
        while unsafe metadata == nil {
            let isLast = deadline - .now <= slice
            let response = unsafe rd_kafka_metadata(
                handle.pointer, names == nil ? 1 : 0, nil, &metadata,
                (isLast ? max(.zero, deadline - .now) : slice).wholeMilliseconds)
            if unsafe metadata != nil { break }
            failure = connectionError() ?? failure ?? KafkaError(response: response, context: "No broker answers")
            // Another of several brokers may let us in, which is given a moment.
            let isRefused = failure?.classification.kind == .refused && slice >= .seconds(1)
            if isLast || isRefused || isCancelled() { break }
            slice *= 2
        }
        guard let metadata = unsafe metadata else { return .failure(failure ?? KafkaError(.timedOut)) }
        defer { unsafe rd_kafka_metadata_destroy(metadata) }
        let topics = unsafe TopicMetadata.read(metadata).map { name, topic in
            TopicDescription(
                name: name, partitionCount: Int(topic.partitionCount),
                replicationFactor: Int(topic.replicationFactor), error: topic.error)
        }
        let list = unsafe metadata.pointee
        let brokers = unsafe (0..<Int(list.broker_cnt)).map { index in
            let broker = unsafe list.brokers[index]
            return unsafe ClusterDescription.Broker(
                id: broker.id, address: "\(String(cString: broker.host)):\(broker.port)")
        }
        return .success(ClusterDescription(brokers: brokers, topics: topics.sorted { $0.name < $1.name }))
    }

    /// What the client itself reported meanwhile says more than that the time is up.
    func connectionError() -> KafkaError? {
        var last: KafkaError?
        while let event = queue.poll(atMost: .zero) {
            guard event.type == RD_KAFKA_EVENT_ERROR else { continue }
            let error = event.error
            if error.classification.kind == .refused || last == nil { last = error }
        }
        return last
    }
}
