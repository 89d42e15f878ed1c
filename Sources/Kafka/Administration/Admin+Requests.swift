internal import CLibRDKafka

/// Requests that are answered on a queue of their own. Each of these calls blocks.
extension Admin {
    func create(
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

    func grow(_ topic: String, _ total: Int, _ limit: Duration) -> Result<[String: KafkaError?], KafkaError> {
        var text = [CChar](repeating: 0, count: 512)
        guard let native = unsafe rd_kafka_NewPartitions_new(topic, total, &text, text.count) else {
            return .failure(KafkaError(.invalidArgument, message: String(nulTerminated: text)))
        }
        defer { unsafe rd_kafka_NewPartitions_destroy(native) }
        return unsafe perform(RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, limit) { options, replies in
            var list: OpaquePointer? = unsafe native
            unsafe rd_kafka_CreatePartitions(handle.pointer, &list, 1, options, replies)
        } read: { event in
            var count = 0
            let result = unsafe rd_kafka_event_CreatePartitions_result(event)
            let list = unsafe rd_kafka_CreatePartitions_result_topics(result, &count)
            return unsafe Self.topicResults(list, count, right: "Alter on the topic")
        }
    }

    func delete(_ names: [String], _ limit: Duration) -> Result<[String: KafkaError?], KafkaError> {
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

    func describeSettings(
        _ type: rd_kafka_ResourceType_t, _ name: String, _ limit: Duration
    ) -> Result<[String: String], KafkaError> {
        var resource = unsafe rd_kafka_ConfigResource_new(type, name)
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
                let what = type == RD_KAFKA_RESOURCE_BROKER ? "broker \(name)" : "`\(name)`"
                return .failure(KafkaError(code, message: "Settings of \(what): \(code.text)"))
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
        if error.code != .none {
            // That the time is up says less than why no broker was reached.
            return .failure(error.code == .timedOut ? connectionError() ?? error : error)
        }
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
