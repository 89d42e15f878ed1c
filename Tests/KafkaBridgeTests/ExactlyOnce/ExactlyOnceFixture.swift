import EventSourcing
import FoundationEssentials
import Kafka
import KafkaTestBroker
import Logging
import Postgres
import TestSupport
import Testing

@testable import Consumers
@testable import KafkaBridge

/// A consumer that delivers exactly once.
struct ExactlyOnceFixture {
    let place: PoisonFixture
    let progressTopic: String

    init(_ place: PoisonFixture) throws {
        self.place = place
        progressTopic = "progress-\(UUID().uuidString)"
    }

    /// Brokers are shared with other tests.
    func transactionalID(_ relay: String) -> String { "\(progressTopic)-\(relay)" }

    private func change(_ id: String) -> (inout KafkaPublisherOptions) -> Void {
        { options in
            options.topics = .create(partitions: 2, replicationFactor: nil, settings: [:])
            guard let topic = try? TopicName(sanitizing: progressTopic),
                let configuration = try? place.test.configuration
            else { return }
            options.exactlyOnce = ExactlyOnceOptions(
                progressTopic: topic, transactionalID: transactionalID(id), totalSegments: 2,
                store: TransactionStore(OwnConnection(configuration), tables: place.test.tables))
        }
    }

    /// What takes the segments over for an exchange.
    func handover(_ id: String = "exchange") throws -> SegmentHandover {
        var options = try place.options
        change(id)(&options)
        return try #require(SegmentHandover(options, logger: quiet))
    }

    /// A relay that the test ends itself.
    func relay(_ id: String, policy: PoisonPolicy = .park, logger: Logger = quiet) throws -> Relaying {
        try Relaying(place, policy, change(id), { $0.heartbeatInterval = .milliseconds(300) }, logger: logger)
    }

    func relaying(_ id: String = "relay", policy: PoisonPolicy = .park, _ body: (Relaying) async throws -> Void)
        async throws
    {
        try await place.relaying(
            policy, change: change(id), worker: { $0.heartbeatInterval = .milliseconds(300) }, body)
    }

    /// Appends events of 40 aggregates, in transactions of ten.
    func appendEvents(_ count: Int) async throws {
        let connection = try await place.test.connect()
        for start in stride(from: 0, to: count, by: 10) {
            let events = (start..<min(count, start + 10)).map { Event.sample("aggregate-\($0 % 40)") }
            _ = try await connection.withTransaction { transaction in
                for event in events { _ = try await place.test.store.append([event], expecting: .any, in: transaction) }
            }
        }
        await connection.close()
    }

    /// The positions of the events that a reader of committed records sees, ascending: one that comes twice is there twice.
    ///
    /// - Parameters:
    ///   - count: so many are waited for.
    ///   - mayRepeat: an aggregate's events may come again.
    func committed(atLeast count: Int, mayRepeat: Bool = false) async throws -> [Int64] {
        // Brokers mark the end of a transaction behind the answer to its commit: its records are visible a moment later.
        var records = try await place.kafka.readAll([place.topic, place.badTopic])
        let deadline = ContinuousClock.now + .seconds(10)
        while records.count < count, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(20))
            records = try await place.kafka.readAll([place.topic, place.badTopic])
        }
        // Per aggregate in order: each partition's records are in the order in which they were committed.
        var last: [String: Int64] = [:]
        var positions: [Int64] = []
        for record in records {
            guard let position = record.header("global_position").flatMap({ Int64($0) }) else {
                Issue.record("a record that was never committed is visible")
                continue
            }
            let aggregate = "\(record.topic) \(record.header("aggregate_id") ?? "")"
            #expect(mayRepeat || position > last[aggregate] ?? 0, "an aggregate's events are out of order, or doubled")
            last[aggregate] = position
            positions.append(position)
        }
        return positions.sorted()
    }

    func waitForCommitted(_ count: Int) async throws {
        try await eventually("the events do not come", within: .seconds(40)) {
            try await place.kafka.readAll([place.topic]).count >= count
        }
    }

    /// The last progress of each segment.
    func progress() async throws -> [Int: SegmentProgress] {
        var progress: [Int: SegmentProgress] = [:]
        for record in try await place.kafka.readAll([progressTopic]) {
            let value = try #require(record.value)
            progress[Int(record.partition)] = try SegmentProgress(value: value)
        }
        return progress
    }

    // MARK: What the database knows

    func execute(_ sql: String) async throws {
        let connection = try await place.test.connect()
        try await connection.execute(script: sql)
        await connection.close()
    }

    /// As `godwit accept-source` has the consumer begin anew at its checkpoints.
    func restart() async throws {
        let tables = place.test.tables
        let connection = try await place.test.connect()
        try await connection.withTransaction { transaction in
            _ = try await transaction.query(SegmentsTable(tables).restart([PoisonFixture.consumer], from: nil))
            _ = try await transaction.query(SegmentOwnersTable(tables).restart([PoisonFixture.consumer]))
        }
        await connection.close()
    }

    private var owners: String { place.test.tables.godwitTable("transactional_segments").sql }

    /// As if the segments had not been released in order.
    func record(owner: String) async throws {
        let connection = try await place.test.connect()
        _ = try await connection.query(BoundStatement(Statement("UPDATE \(owners) SET transactional_id = $1"), [owner]))
        await connection.close()
    }
}

/// Lends a connection of its own for each use.
struct OwnConnection: ConnectionLending {
    private let configuration: ConnectionConfiguration

    init(_ configuration: ConnectionConfiguration) { self.configuration = configuration }

    func withConnection<Value: Sendable>(
        _ body: @escaping @Sendable (Connection) async throws -> Value
    ) async throws -> Value {
        let connection = try await Connection.open(configuration, logger: quiet)
        do {
            let value = try await body(connection)
            await connection.close()
            return value
        } catch {
            await connection.close()
            throw error
        }
    }
}
