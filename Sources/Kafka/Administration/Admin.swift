internal import CLibRDKafka
internal import DedicatedThread
package import Logging
internal import Synchronization

/// Topics and reachability of a cluster.
///
/// Every call blocks a thread of its own, not the cooperative pool. Close it when done; until then it keeps a
/// connection.
package final class Admin: Sendable {
    private let handle: ClientHandle
    private let queue: EventQueue

    package init(_ configuration: ClientConfiguration, logger: Logger) throws(KafkaError) {
        handle = try NativeConfiguration(admin: configuration).makeClient(
            RD_KAFKA_PRODUCER, configuration, sink: LogSink(logger))
        queue = EventQueue(mainOf: handle)
    }

    /// Lends a client to the body, and ends it however the body ends.
    package static func with<Value>(
        _ configuration: ClientConfiguration, logger: Logger,
        _ body: (Admin) async throws(KafkaError) -> Value
    ) async throws(KafkaError) -> Value {
        let admin = try Admin(configuration, logger: logger)
        let result: Result<Value, KafkaError>
        do throws(KafkaError) {
            result = .success(try await body(admin))
        } catch {
            result = .failure(error)
        }
        await admin.close()
        return try result.get()
    }

    /// Ends the client. No other call may be under way or follow.
    package func close() async {
        _ = await BlockingCall.run(named: "kafka-admin", atMost: .seconds(5)) { [handle, queue] in
            queue.destroy()
            handle.destroy()
        }
    }

    // MARK: Looking

    /// Asks some broker for the cluster's metadata.
    ///
    /// - Throws: The reason that no broker answered in time: unreachable, authentication or TLS.
    package func describeCluster(within limit: Duration = .seconds(5)) async throws(KafkaError) -> ClusterDescription {
        try await metadata(of: nil, within: limit)
    }

    /// Describes topics without creating any. The answer has one entry per name, in the same order.
    package func describeTopics(
        _ names: [String], within limit: Duration = .seconds(5)
    ) async throws(KafkaError) -> [TopicDescription] {
        let cluster = try await metadata(of: names, within: limit)
        let found = Dictionary(cluster.topics.map { ($0.name, $0) }) { first, _ in first }
        return names.map { name in
            found[name]
                ?? TopicDescription(name: name, partitionCount: 0, error: KafkaError(.unknownTopicOrPartition))
        }
    }

    /// A topic's settings by name. Sensitive ones come without a value and are left out.
    package func topicSettings(
        _ name: String, within limit: Duration = .seconds(10)
    ) async throws(KafkaError) -> [String: String] {
        try await BlockingCall.run(named: "kafka-admin") { [self] in describeSettings(name, limit) }.get()
    }

    // MARK: Changing

    /// Creates topics; `nil` for each that was created, else why not.
    ///
    /// - Parameter isTrial: Only asks whether they could be created.
    package func createTopics(
        _ topics: [TopicSpecification], isTrial: Bool = false, within limit: Duration = .seconds(10)
    ) async throws(KafkaError) -> [String: KafkaError?] {
        try await BlockingCall.run(named: "kafka-admin") { [self] in create(topics, isTrial, limit) }.get()
    }

    /// Deletes topics; `nil` for each that was deleted, else why not.
    package func deleteTopics(
        _ names: [String], within limit: Duration = .seconds(10)
    ) async throws(KafkaError) -> [String: KafkaError?] {
        try await BlockingCall.run(named: "kafka-admin") { [self] in delete(names, limit) }.get()
    }

    // MARK: Inside

    private func metadata(of names: [String]?, within limit: Duration) async throws(KafkaError) -> ClusterDescription {
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
    private func connectionError() -> KafkaError? {
        var last: KafkaError?
        while let event = queue.poll(atMost: .zero) {
            guard event.type == RD_KAFKA_EVENT_ERROR else { continue }
            let error = event.error
            if error.classification.kind == .refused || last == nil { last = error }
        }
        return last
    }

    private func create(
        _ topics: [TopicSpecification], _ isTrial: Bool, _ limit: Duration
    ) -> Result<[String: KafkaError?], KafkaError> {
        var text = [CChar](repeating: 0, count: 512)
        var native: [OpaquePointer?] = unsafe []
        defer { unsafe rd_kafka_NewTopic_destroy_array(&native, native.count) }
        for topic in topics {
            let created = unsafe rd_kafka_NewTopic_new(
                topic.name, Int32(topic.partitions), Int32(topic.replicationFactor ?? -1), &text, text.count)
            guard let created = unsafe created else {
                return .failure(KafkaError(.invalidArgument, message: String(nulTerminated: text)))
            }
            unsafe native.append(created)
            for (name, value) in topic.settings {
                unsafe rd_kafka_NewTopic_set_config(created, name, value)
            }
        }
        return unsafe perform(RD_KAFKA_ADMIN_OP_CREATETOPICS, limit, isTrial: isTrial) { options, replies in
            unsafe rd_kafka_CreateTopics(handle.pointer, &native, native.count, options, replies)
        } read: { event in
            var count = 0
            let result = unsafe rd_kafka_event_CreateTopics_result(event)
            let list = unsafe rd_kafka_CreateTopics_result_topics(result, &count)
            return unsafe Self.topicResults(list, count, right: "Create on the topic or the cluster")
        }
    }

    private func delete(_ names: [String], _ limit: Duration) -> Result<[String: KafkaError?], KafkaError> {
        var native = unsafe names.map { unsafe rd_kafka_DeleteTopic_new($0) }
        defer { unsafe rd_kafka_DeleteTopic_destroy_array(&native, native.count) }
        return unsafe perform(RD_KAFKA_ADMIN_OP_DELETETOPICS, limit) { options, replies in
            unsafe rd_kafka_DeleteTopics(handle.pointer, &native, native.count, options, replies)
        } read: { event in
            var count = 0
            let result = unsafe rd_kafka_event_DeleteTopics_result(event)
            let list = unsafe rd_kafka_DeleteTopics_result_topics(result, &count)
            return unsafe Self.topicResults(list, count, right: "Delete on the topic")
        }
    }

    private func describeSettings(_ name: String, _ limit: Duration) -> Result<[String: String], KafkaError> {
        var resource = unsafe rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name)
        defer { unsafe rd_kafka_ConfigResource_destroy(resource) }
        let answer = unsafe perform(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, limit) { options, replies in
            unsafe rd_kafka_DescribeConfigs(handle.pointer, &resource, 1, options, replies)
        } read: { event -> Result<[String: String], KafkaError> in
            var count = 0
            let result = unsafe rd_kafka_event_DescribeConfigs_result(event)
            guard let list = unsafe rd_kafka_DescribeConfigs_result_resources(result, &count), count > 0 else {
                return .success([:])
            }
            let code = unsafe KafkaError.Code(rd_kafka_ConfigResource_error(list[0]))
            if code != .none {
                return .failure(KafkaError(code, message: "Settings of `\(name)`: \(code.text)"))
            }
            let entries = unsafe rd_kafka_ConfigResource_configs(list[0], &count)
            var settings: [String: String] = [:]
            for index in 0..<count {
                guard let entry = unsafe entries?[index], unsafe rd_kafka_ConfigEntry_is_sensitive(entry) == 0,
                    let value = unsafe rd_kafka_ConfigEntry_value(entry)
                else { continue }
                unsafe settings[String(cString: rd_kafka_ConfigEntry_name(entry))] = String(cString: value)
            }
            return .success(settings)
        }
        return answer.flatMap { $0 }
    }

    /// Sends one admin request and waits for its answer on a queue of its own. Blocks.
    private func perform<Answer>(
        _ operation: rd_kafka_admin_op_t, _ limit: Duration, isTrial: Bool = false,
        request: (_ options: OpaquePointer?, _ replies: OpaquePointer) -> Void,
        read: (_ event: OpaquePointer) -> Answer
    ) -> Result<Answer, KafkaError> {
        var text = [CChar](repeating: 0, count: 512)
        let options = unsafe rd_kafka_AdminOptions_new(handle.pointer, operation)
        let replies = EventQueue(newFor: handle)
        defer {
            replies.destroy()
            unsafe rd_kafka_AdminOptions_destroy(options)
        }
        unsafe rd_kafka_AdminOptions_set_request_timeout(options, limit.wholeMilliseconds, &text, text.count)
        if isTrial { unsafe rd_kafka_AdminOptions_set_validate_only(options, 1, &text, text.count) }
        unsafe request(options, replies.pointer)
        guard let event = replies.poll(atMost: limit + .seconds(2)) else {
            return .failure(connectionError() ?? KafkaError(.timedOut))
        }
        let error = event.error
        if error.code != .none { return .failure(error) }
        return unsafe .success(read(event.pointer))
    }

    private static func topicResults(
        _ list: UnsafeMutablePointer<OpaquePointer?>?, _ count: Int, right: String
    ) -> [String: KafkaError?] {
        var results: [String: KafkaError?] = [:]
        for index in 0..<count {
            guard let topic = unsafe list?[index] else { continue }
            let name = unsafe String(cString: rd_kafka_topic_result_name(topic))
            let code = unsafe KafkaError.Code(rd_kafka_topic_result_error(topic))
            if code == .none {
                results.updateValue(nil, forKey: name)
                continue
            }
            let reason =
                unsafe rd_kafka_topic_result_error_string(topic).map { unsafe String(cString: $0) } ?? code.text
            let isRight = code == .topicAuthorizationFailed || code == .clusterAuthorizationFailed
            let message = isRight ? "Topic `\(name)`: the right \(right) is missing" : "Topic `\(name)`: \(reason)"
            results[name] = KafkaError(code, message: message)
        }
        return results
    }
}
