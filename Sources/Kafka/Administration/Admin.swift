internal import CLibRDKafka
internal import DedicatedThread
package import Logging

/// Topics and reachability of a cluster.
///
/// Every call blocks a thread of its own, not the cooperative pool. Close it when done; until then it keeps a
/// connection.
package final class Admin: Sendable {
    let handle: ClientHandle
    let queue: EventQueue

    package init(_ configuration: ClientConfiguration, logger: Logger) throws(KafkaError) {
        let configuration = configuration.withCurrentSecrets
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

    /// As ``describeCluster(within:)``, with no other topics than these.
    package func describeCluster(
        topics: [String], within limit: Duration = .seconds(5)
    ) async throws(KafkaError) -> ClusterDescription {
        try await metadata(of: topics, within: limit)
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
        try await BlockingCall.run(named: "kafka-admin") { [self] in
            describeSettings(RD_KAFKA_RESOURCE_TOPIC, name, limit)
        }.get()
    }

    /// A broker's settings by name, as that broker gives them. Sensitive ones are left out.
    ///
    /// - Throws: also where the client lacks the right DescribeConfigs on the cluster.
    package func brokerSettings(
        _ id: Int32, within limit: Duration = .seconds(10)
    ) async throws(KafkaError) -> [String: String] {
        try await BlockingCall.run(named: "kafka-admin") { [self] in
            describeSettings(RD_KAFKA_RESOURCE_BROKER, String(id), limit)
        }.get()
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

    /// Gives a topic more partitions, `total` in all.
    package func addPartitions(
        to topic: String, total: Int, within limit: Duration = .seconds(10)
    ) async throws(KafkaError) {
        let results = try await BlockingCall.run(named: "kafka-admin") { [self] in
            grow(topic, total, limit)
        }.get()
        if let failure = results[topic] ?? nil { throw failure }
    }

    /// Deletes topics; `nil` for each that was deleted, else why not.
    package func deleteTopics(
        _ names: [String], within limit: Duration = .seconds(10)
    ) async throws(KafkaError) -> [String: KafkaError?] {
        try await BlockingCall.run(named: "kafka-admin") { [self] in delete(names, limit) }.get()
    }
}
