import Consumers
import Foundation
import Kafka
import Logging
import Synchronization

@testable import KafkaBridge

/// The brokers a test runs on: those that `GODWIT_TEST_KAFKA` names, else a mock cluster of its own.
struct Broker {
    static let realServers = ProcessInfo.processInfo.environment["GODWIT_TEST_KAFKA"]

    let client: ClientConfiguration
    let mock: TestCluster?

    init(partitions: Int = 3, properties: [String: String] = [:]) throws {
        mock = Self.realServers == nil ? try TestCluster(defaultPartitions: partitions) : nil
        client = Self.client(Self.realServers ?? mock?.bootstrapServers ?? "", properties)
    }

    init(servers: String, properties: [String: String] = [:]) {
        mock = nil
        client = Self.client(servers, properties)
    }

    private static func client(_ servers: String, _ properties: [String: String]) -> ClientConfiguration {
        ClientConfiguration(
            bootstrapServers: servers,
            properties: [
                "reconnect.backoff.ms": "10", "reconnect.backoff.max.ms": "50", "retry.backoff.ms": "5",
            ].merging(properties) { $1 })
    }

    func uniqueTopic() -> String { "t-\(UUID().uuidString.lowercased())" }

    func publisher(
        _ topic: String, _ policy: TopicPolicy, allowed: [String] = [], logger: Logger = quiet
    ) throws -> KafkaPublisher {
        let route = Route(topic: try TopicTemplate(topic), allowlist: TopicAllowlist(allowed))
        var options = KafkaPublisherOptions(name: "test", client: client, route: route, topics: policy)
        options.longestPause = .milliseconds(200)
        return KafkaPublisher(options, logger: logger)
    }

    func readAll(_ topic: String) async throws -> [ConsumedRecord] {
        let reader = try Reader(client, logger: quiet)
        try await reader.assign([topic])
        let records = try await reader.readToEnd()
        await reader.close()
        return records
    }
}

let quiet: Logger = {
    var logger = Logger(label: "test")
    logger.logLevel = ProcessInfo.processInfo.environment["GODWIT_TEST_LOG"] == nil ? .critical : .trace
    return logger
}()

extension KafkaPublisher {
    /// Publishes a batch and waits until it is acknowledged.
    func deliver(_ batch: FeedBatch) async throws {
        try await publish(batch).acknowledged()
    }
}

/// Fails the test instead of hanging it.
func deadline<Value: Sendable>(
    _ limit: Duration = .seconds(30), _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else { throw DeadlinePassed(limit: limit) }
        return value
    }
}

struct DeadlinePassed: Error {
    let limit: Duration
}
