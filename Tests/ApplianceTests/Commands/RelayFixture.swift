import EventSourcing
import FoundationEssentials
import Kafka
import Postgres
import TestSupport

/// A store, brokers with one topic, and what `godwit run` needs to know of them.
struct RelayFixture {
    let test: TestStore
    let kafka: TestKafka
    let topic: String

    /// On the brokers that tests share, or on others.
    static func with(_ kafka: TestKafka? = nil, _ body: (RelayFixture) async throws -> Void) async throws {
        try await TestStore.with { test in
            let shared: TestKafka
            if let kafka { shared = kafka } else { shared = try await TestKafka() }
            try await body(RelayFixture(test: test, kafka: shared, topic: try await shared.makeTopic("identity")))
        }
    }

    /// In a database of its own with another encoding than UTF-8.
    static func with(encoding: String, _ body: (RelayFixture) async throws -> Void) async throws {
        try await TestStore.withDatabase(encoding: encoding) { test in
            let shared = try await TestKafka()
            try await body(RelayFixture(test: test, kafka: shared, topic: try await shared.makeTopic("identity")))
        }
    }

    /// Inserts one event as another service's writer might, with some columns given as SQL, and gives its position.
    @discardableResult
    func insert(_ columns: KeyValuePairs<String, String>, on connection: Connection) async throws -> Int64 {
        var values = [
            "bounded_context": "'Identity'", "aggregate_type": "'User'", "aggregate_id": "'a'",
            "aggregate_version": "(SELECT count(*) + 1 FROM \(test.tables.events.sql))",
            "event_id": "gen_random_uuid()", "event_type": "'Happened'", "payload": "'{}'::bytea",
        ]
        for (name, sql) in columns { values[name] = sql }
        let names = values.keys.sorted()
        let sql = Statement(
            """
            INSERT INTO \(test.tables.events.sql) (\(names.joined(separator: ", ")))
            VALUES (\(names.map { values[$0] ?? "" }.joined(separator: ", "))) RETURNING global_position
            """)
        return try await connection.query(sql).first?.decode(0) ?? 0
    }

    /// Runs a command on the fixture's store and brokers to its end.
    func command(_ arguments: String..., more: [String: String] = [:], input: String? = nil) async throws
        -> Command.Result
    {
        var command = Command.godwit(environment: variables.merging(more) { $1 }, input: input)
        command.arguments = arguments
        return try await command.run()
    }

    var variables: [String: String] {
        [
            "GODWIT_DATABASE_URL": test.url, "GODWIT_DATABASE_SCHEMA": test.tables.godwitSchema,
            "GODWIT_DATABASE_GODWIT_SCHEMA": test.tables.godwitSchema,
            "GODWIT_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrapServers,
            "GODWIT_CONSUMERS_IDENTITY_TOPIC": topic, "GODWIT_CONSUMERS_IDENTITY_BOUNDED_CONTEXTS": "Identity",
            "GODWIT_WORKER_POLL_INTERVAL": "20ms", "GODWIT_WORKER_BATCH_SIZE": "50",
        ]
    }

    /// Appends one event each to so many aggregates, and gives their ids.
    func append(_ count: Int, from first: Int = 0) async throws -> Set<String> {
        let connection = try await test.connect()
        var ids: Set<String> = []
        for number in first..<first + count {
            let event = Event.sample("user-\(number)")
            ids.insert(event.eventID.uuidString.lowercased())
            _ = try await connection.withTransaction {
                try await test.store.append([event], expecting: .any, in: $0)
            }
        }
        await connection.close()
        return ids
    }

    /// Appends so many events each to so many aggregates, in turns of twenty, and gives the ids.
    func appendBacklog(
        _ count: Int, aggregates: Int, stem: String = "backlog", payload: String = "{}"
    ) async throws -> Set<String> {
        let connection = try await test.connect()
        var ids: Set<String> = []
        for _ in 0..<count / 20 {
            for aggregate in 0..<aggregates {
                let events = (0..<20).map { _ in Event.sample("\(stem)-\(aggregate)", payload: payload) }
                ids.formUnion(events.map { $0.eventID.uuidString.lowercased() })
                _ = try await connection.withTransaction {
                    try await test.store.append(events, expecting: .any, in: $0)
                }
            }
        }
        await connection.close()
        return ids
    }

    func run(_ more: [String: String] = [:]) throws -> RunningCommand {
        try Command.godwit("run", environment: variables.merging(more) { $1 }).start()
    }

    /// How many events the next relay publishes again, of a consumer with one segment: those in the topic behind the
    /// checkpoint.
    func countAhead(_ connection: Connection) async throws -> Int {
        let rows = try await connection.query(
            Statement("SELECT coalesce(max(checkpoint), 0) FROM \(test.tables.consumerSegments.sql)"))
        let checkpoint = try rows.first?.decode(0, as: Int64.self) ?? 0
        let positions = try await kafka.readAll([topic]).compactMap { $0.header("global_position") }
        return Set(positions.compactMap { Int64($0) }).count { $0 > checkpoint }
    }

    func receive(_ ids: Set<String>) async throws -> [ConsumedRecord] {
        try await kafka.read([topic]) { records in
            ids.isSubset(of: records.compactMap { $0.header("event_id") })
        }
    }
}

extension [ConsumedRecord] {
    /// The ids of the events, each once.
    var eventIDs: Set<String> { Set<String>(compactMap { $0.header("event_id") }) }

    /// Whether what came first of every event came in the order of its aggregate, without a hole.
    var isInOrder: Bool {
        var last: [String: Int] = [:]
        var seen: Set<String> = []
        // Within a partition, as read; an aggregate is in one partition.
        for record in self {
            guard let id = record.header("event_id"), seen.insert(id).inserted else { continue }
            let aggregate = record.header("aggregate_id") ?? ""
            guard record.header("aggregate_version") == "\(last[aggregate, default: 0] + 1)" else { return false }
            last[aggregate, default: 0] += 1
        }
        return true
    }
}
