import Consumers
import EventSourcing
import FoundationEssentials
import Kafka
import KafkaTestBroker
import Logging
import Postgres
import TestSupport
import Testing

@testable import KafkaBridge

/// A store and brokers with two topics: events of the type `Bad` go to one of their own, whose broker a test may have
/// reject them; all others to the main one.
struct PoisonFixture {
    static let consumer = "identity"

    let test: TestStore
    let kafka: TestKafka
    let topic: String
    let badTopic: String
    let letters: DeadLetters

    static func with(_ kafka: TestKafka? = nil, _ body: (PoisonFixture) async throws -> Void) async throws {
        try await TestStore.with { test in
            let brokers: TestKafka
            if let kafka { brokers = kafka } else { brokers = try await TestKafka() }
            try await body(
                PoisonFixture(
                    test: test, kafka: brokers, topic: try await brokers.makeTopic("main", partitions: 2),
                    badTopic: try await brokers.makeTopic("bad", partitions: 1), letters: DeadLetters(test.tables)))
        }
    }

    /// On a broker of its own, whose faults are the test's.
    static func withBroker(_ body: (PoisonFixture, KafkaTestBroker) async throws -> Void) async throws {
        try await TestKafka.withBroker { kafka, broker in
            try await with(kafka) { try await body($0, broker) }
        }
    }

    /// An aggregate of each of the two segments.
    static let aggregates: (first: String, second: String) = {
        let names = (0..<20).map { "aggregate-\($0)" }
        return (names.first { segment(of: $0) == 0 } ?? "", names.first { segment(of: $0) == 1 } ?? "")
    }()

    private static func segment(of aggregate: String) -> Int {
        let id = Array(aggregate.utf8)
        return FNV1aPartitionStrategy().segment(of: id.span.bytes, totalSegments: 2)
    }

    var options: KafkaPublisherOptions {
        get throws {
            let route = Route(
                topic: try TopicTemplate(topic), topicsByEventType: ["Bad": try TopicTemplate(badTopic)])
            var options = KafkaPublisherOptions(
                name: Self.consumer, client: kafka.client(), route: route, maximumRecordBytes: 10_000)
            options.longestPause = .milliseconds(100)
            options.decisionInterval = .milliseconds(20)
            return options
        }
    }

    /// Relays beside the body, and stops in order when that is done, unless the body has ended it. Whatever fails, no
    /// relay is left at work.
    func relaying(
        _ policy: PoisonPolicy, change: (inout KafkaPublisherOptions) -> Void = { _ in },
        worker changeWorker: (inout WorkerOptions) -> Void = { _ in }, logger: Logger = quiet,
        _ body: (Relaying) async throws -> Void
    ) async throws {
        let relaying = try Relaying(self, policy, change, changeWorker, logger: logger)
        do {
            try await body(relaying)
            try await relaying.stop()
        } catch {
            await relaying.kill()
            throw error
        }
    }

    /// Appends events of an aggregate, in one transaction each; gives their positions.
    @discardableResult
    func append(_ aggregate: String, _ types: String..., bytes: Int = 10) async throws -> [Int64] {
        try await append(aggregate, types, bytes: bytes)
    }

    @discardableResult
    func append(_ aggregate: String, _ types: [String], bytes: Int = 10) async throws -> [Int64] {
        let connection = try await test.connect()
        var positions: [Int64] = []
        for type in types {
            let event = Event.sample(aggregate, type: type, payload: String(repeating: "x", count: bytes))
            positions += try await connection.withTransaction {
                try await test.store.append([event], expecting: .any, in: $0).positions
            }
        }
        await connection.close()
        return positions
    }

    /// All dead letters, decided ones too, as `position state`, with `!` for a cause.
    func rows() async throws -> [String] {
        try await all().map { "\($0.position) \($0.state.rawValue)\($0.isCause ? "!" : "")" }
    }

    func all() async throws -> [DeadLetter] {
        let connection = try await test.connect()
        let all = try await letters.list(
            DeadLetterSelection(), states: DeadLetter.State.allCases, limit: 100_000, on: connection)
        await connection.close()
        return all
    }

    func waitForRows(
        _ expected: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        var last: [String] = []
        do {
            try await eventually("the rows never come", within: .seconds(30), sourceLocation: sourceLocation) {
                last = try await rows()
                return last == expected
            }
        } catch {
            Issue.record("the rows are \(last)", sourceLocation: sourceLocation)
            throw error
        }
    }

    func redrive(_ selection: DeadLetterSelection = DeadLetterSelection()) async throws {
        let connection = try await test.connect()
        _ = try await letters.requestRedrive(selection, of: Self.consumer, actor: "test", on: connection)
        await connection.close()
    }

    func discard(_ position: Int64) async throws {
        let connection = try await test.connect()
        _ = try await letters.discard(
            DeadLetterSelection(position: position), of: Self.consumer, actor: "test", on: connection)
        await connection.close()
    }

    /// The positions in a topic, of an aggregate in its partition's order, once so many records are there. Each once:
    /// what was in flight when a record was rejected may come again.
    func positions(in topic: String, of aggregate: String? = nil, atLeast count: Int) async throws -> [Int64] {
        let records = try await kafka.read([topic], within: .seconds(30)) { records in
            records.count { aggregate == nil || $0.header("aggregate_id") == aggregate } >= count
        }
        var seen: Set<Int64> = []
        return records.filter { aggregate == nil || $0.header("aggregate_id") == aggregate }
            .compactMap { $0.header("global_position").flatMap(Int64.init) }.filter { seen.insert($0).inserted }
    }

    func waitForCheckpoints(_ position: Int64, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await eventually("the checkpoints do not follow", within: .seconds(30), sourceLocation: sourceLocation) {
            try await checkpoints() == [position, position]
        }
    }

    func checkpoints() async throws -> [Int64] {
        let connection = try await test.connect()
        let rows = try await connection.query(
            Statement("SELECT checkpoint FROM \(test.tables.consumerSegments.sql) ORDER BY segment_id"))
        let checkpoints: [Int64] = try rows.map { try $0.decode(0) }
        await connection.close()
        return checkpoints
    }

    /// Lets every relay beat twice: what it is about to do and must not would be done by then.
    func letRelaysBeat() async throws {
        let connection = try await test.connect()
        // The entry of a relay that is gone stays until the last of its segments is free.
        let sql = Statement(
            """
            SELECT min(last_heartbeat)::text FROM \(test.tables.consumerWorkers.sql)
            WHERE last_heartbeat > clock_timestamp() - interval '2 s'
            """)
        for _ in 0..<2 {
            let last: String? = try await connection.query(sql).first?.decodeIfPresent(0)
            try await eventually("no heartbeat") {
                try await connection.query(sql).first?.decodeIfPresent(0, as: String.self) != last
            }
        }
        await connection.close()
    }
}
