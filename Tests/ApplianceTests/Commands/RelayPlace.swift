import EventSourcing
import FoundationEssentials
import Kafka
import Postgres
import TestSupport

/// A store, brokers with one topic, and what `godwit run` needs to know of them.
struct RelayPlace {
    let test: TestStore
    let kafka: TestKafka
    let topic: String

    static func with(_ body: (RelayPlace) async throws -> Void) async throws {
        try await TestStore.with { test in
            let kafka = try TestKafka()
            try await body(RelayPlace(test: test, kafka: kafka, topic: try await kafka.makeTopic("identity")))
        }
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

    func run(_ more: [String: String] = [:]) throws -> RunningCommand {
        try Command.godwit("run", environment: variables.merging(more) { $1 }).start()
    }

    func receive(_ ids: Set<String>) async throws -> [ConsumedRecord] {
        try await kafka.read([topic]) { records in
            ids.isSubset(of: records.compactMap { $0.header("event_id") })
        }
    }
}
