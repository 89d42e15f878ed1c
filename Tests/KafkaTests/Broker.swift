import Foundation
import Logging
import Synchronization
import Testing

@testable import Kafka

/// The brokers a test runs on: those that `GODWIT_TEST_KAFKA` names, else a mock cluster of its own.
struct Broker {
    static let realServers = ProcessInfo.processInfo.environment["GODWIT_TEST_KAFKA"]

    let bootstrapServers: String
    let mock: TestCluster?

    init(partitions: Int = 4) throws {
        if let servers = Self.realServers {
            bootstrapServers = servers
            mock = nil
        } else {
            let cluster = try TestCluster(defaultPartitions: partitions)
            bootstrapServers = cluster.bootstrapServers
            mock = cluster
        }
    }

    func configuration(_ properties: [String: String] = [:]) -> ClientConfiguration {
        ClientConfiguration(bootstrapServers: bootstrapServers, properties: properties)
    }

    func producer(_ properties: [String: String] = [:]) throws -> Producer {
        try Producer(configuration(properties), logger: quiet)
    }

    /// A topic that no other test uses.
    func topic(partitions: Int) async throws -> String {
        let name = "t-\(UUID().uuidString.lowercased())"
        if let mock {
            try mock.createTopic(name, partitions: partitions)
        } else {
            let admin = try Admin(configuration(), logger: quiet)
            let results = try await admin.createTopics([TopicSpecification(name, partitions: partitions)])
            await admin.close()
            #expect(results == [name: nil])
        }
        return name
    }

    func readAll(_ topic: String, within limit: Duration = .seconds(20)) async throws -> [ConsumedRecord] {
        let reader = try Reader(configuration(), logger: quiet)
        try await reader.assign([topic], within: limit)
        let records = try await reader.readToEnd(within: limit)
        await reader.close()
        return records
    }
}

let quiet: Logger = {
    var logger = Logger(label: "test")
    logger.logLevel = ProcessInfo.processInfo.environment["GODWIT_TEST_LOG"] == nil ? .critical : .trace
    return logger
}()

extension Trait where Self == ConditionTrait {
    /// For what only the mock cluster offers.
    static var onMockOnly: Self {
        .enabled(if: Broker.realServers == nil, "injects faults, which GODWIT_TEST_KAFKA's brokers do not offer")
    }
}

/// Numbered records for one topic.
final class Numbers: RecordSource {
    let topic: TopicHandle
    let range: Range<Int>
    let payload: [UInt8]
    let keys: Int
    static let number = HeaderName("number")

    init(_ topic: TopicHandle, _ range: Range<Int>, payloadBytes: Int = 10, keys: Int = 1) {
        self.topic = topic
        self.range = range
        self.keys = keys
        payload = [UInt8](repeating: 0x78, count: payloadBytes)
    }

    var count: Int { range.count }

    func fill(_ index: Int, _ record: inout RecordWriter) {
        let number = range.lowerBound + index
        record.topic(topic)
        record.key(text: "key-\(number % keys)")
        let payload = payload
        record.value(retained: payload.span.bytes)
        record.header(Self.number, decimal: Int64(number))
    }
}

/// One record as the test describes it.
final class Single: RecordSource {
    let body: @Sendable (inout RecordWriter) -> Void
    init(_ body: @escaping @Sendable (inout RecordWriter) -> Void) { self.body = body }
    var count: Int { 1 }
    func fill(_ index: Int, _ record: inout RecordWriter) { body(&record) }
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

extension RecordWriter {
    mutating func key(text: String) {
        let bytes = Array(text.utf8)
        key(bytes.span.bytes)
    }

    mutating func value(copying bytes: [UInt8]) { value(copying: bytes.span.bytes) }
}

func partition(_ key: [UInt8], of count: Int32) -> Int32 {
    Murmur2Partitioner.partition(forKey: key.span.bytes, of: count)
}
