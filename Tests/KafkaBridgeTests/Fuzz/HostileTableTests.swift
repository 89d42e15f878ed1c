import EventSourcing
import FoundationEssentials
import Kafka
import Postgres
import TestSupport
import Testing

@testable import Consumers
@testable import KafkaBridge

/// Hostile rows in a real database, relayed to a broker: each is delivered or set aside, in the order of its aggregate.
/// `GODWIT_FUZZ_TABLE_ROWS` says how many.
@Suite(.timeLimit(.minutes(10)), .serialized) struct HostileTableTests {
    static let rows = ProcessInfo.processInfo.environment["GODWIT_FUZZ_TABLE_ROWS"].flatMap { Int($0) } ?? 600

    /// The first seed is one with which events were set aside for what followed them.
    @Test(.onEmbeddedBroker, arguments: ["UTF8", "SQL_ASCII"], [425_609_609] + seeds(1, of: "hostile tables"))
    func `parked where they cannot be delivered`(_ encoding: String, _ seed: UInt64) async throws {
        try await with(encoding, seed) { place, rows in
            try await place.relaying(.park, change: { change(&$0, seed) }) { _ in
                try await waitForAll(rows, place)
            }
            let parked = Set(try await place.all().map(\.position))
            let causes = try await place.all().filter(\.isCause)
            let delivered = try await delivered(place, in: place.topic)
            #expect(Set(delivered.map(\.position)).union(parked) == Set(rows.map(\.position)), "seed \(seed)")
            #expect(Set(delivered.map(\.position)).isDisjoint(with: parked), "seed \(seed)")
            #expect(!causes.isEmpty && !delivered.isEmpty)
            // Behind the first of an aggregate that cannot be delivered nothing of it is.
            let aggregates = Dictionary(uniqueKeysWithValues: rows.map { ($0.position, $0.aggregate) })
            var first: [String: Int64] = [:]
            for cause in causes {
                let aggregate = aggregates[cause.position] ?? ""
                first[aggregate] = min(first[aggregate] ?? .max, cause.position)
            }
            for record in delivered {
                let limit = first[aggregates[record.position] ?? ""] ?? .max
                #expect(record.position < limit, "seed \(seed): \(record.position)")
            }
            expectOrder(delivered, Dictionary(uniqueKeysWithValues: rows.map { ($0.position, $0.id) }), seed)
        }
    }

    @Test(.onEmbeddedBroker, arguments: ["UTF8", "SQL_ASCII"], seeds(1, of: "hostile tables"))
    func `in the dead-letter topic where they cannot be delivered`(_ encoding: String, _ seed: UInt64) async throws {
        try await with(encoding, seed) { place, rows in
            let policy = PoisonPolicy.deadLetterTopic(try TopicName(sanitizing: place.badTopic))
            try await place.relaying(policy, change: { change(&$0, seed) }) { _ in
                try await waitForAll(rows, place)
            }
            let delivered = try await delivered(place, in: place.topic)
            let letters = try await place.kafka.readAll([place.badTopic]).compactMap {
                $0.header("dead_letter_position").flatMap { Int64($0) }
            }
            let all = Set(delivered.map(\.position)).union(letters)
            #expect(all == Set(rows.map(\.position)), "seed \(seed)")
            #expect(!letters.isEmpty && !delivered.isEmpty)
            expectOrder(delivered, Dictionary(uniqueKeysWithValues: rows.map { ($0.position, $0.id) }), seed)
        }
    }

    private struct Written {
        let position: Int64
        /// The aggregate's id, and with it what else distinguishes the aggregate from others.
        let id: String
        let aggregate: String
    }

    private struct Delivered {
        let position: Int64
        let partition: Int32
    }

    private func change(_ options: inout KafkaPublisherOptions, _ seed: UInt64) {
        options.maximumRecordBytes = 10_000
        let source = try? TextTemplate("/{bounded_context}")
        if seed % 3 == 1, let source { options.route.format = .cloudEventsBinary(.init(source: source)) }
        options.route.metadataHeaders = MetadataHeaders(["tenant", "user"], prefix: "m_")
    }

    private func with(
        _ encoding: String, _ seed: UInt64, _ body: (PoisonFixture, [Written]) async throws -> Void
    ) async throws {
        func run(_ test: TestStore) async throws {
            let kafka = try await TestKafka()
            let place = PoisonFixture(
                test: test, kafka: kafka, topic: try await kafka.makeTopic("main", partitions: 3),
                badTopic: try await kafka.makeTopic("bad", partitions: 1), letters: DeadLetters(test.tables))
            try await body(place, try await write(test, encoding: encoding, seed))
        }
        if encoding == "UTF8" {
            try await TestStore.with { try await run($0) }
        } else {
            try await TestStore.withDatabase(encoding: encoding) { try await run($0) }
        }
    }

    /// Writes rows as another service's writer might, with each text as its bytes. What PostgreSQL refuses is no row.
    private func write(_ test: TestStore, encoding: String, _ seed: UInt64) async throws -> [Written] {
        var values = HostileValues(seed, anyBytes: encoding == "SQL_ASCII")
        let aggregates = (0..<40).map { number in Array("\(number) ".utf8) + values.text() }
        let connection = try await test.connect()
        try await connection.execute(
            script: """
                ALTER TABLE \(test.tables.events.sql) ALTER event_type DROP NOT NULL, ALTER payload DROP NOT NULL,
                    ALTER created_at DROP NOT NULL, ALTER bounded_context DROP NOT NULL;
                """)
        let sql = Statement(
            """
            INSERT INTO \(test.tables.events.sql) (bounded_context, aggregate_type, aggregate_id, aggregate_version,
                event_id, event_type, event_version, payload, trace_id, correlation_id, causation_id, metadata, created_at)
            SELECT \(["$1", "$2", "$3"].map { "convert_from(\($0), '\(encoding)')" }.joined(separator: ", ")), $4, $5,
                convert_from($6, '\(encoding)'), $7, $8,
                \(["$9", "$10", "$11"].map { "convert_from(\($0), '\(encoding)')" }.joined(separator: ", ")),
                convert_from($12, '\(encoding)')::jsonb, $13::text::timestamptz
            RETURNING global_position
            """)
        let times = [
            "infinity", "-infinity", "294276-12-31 23:59:59.999999+00", "4713-01-01 00:00:00+00 BC",
            "2026-01-01 00:00:00+00",
            "2025-06-01 12:00:00.000001+00", "1969-12-31 23:59:59.999999+00", "0001-01-01 00:00:00+00 BC",
        ]
        var written: [Written] = []
        while written.count < Self.rows {
            let number = Int.random(in: 0..<aggregates.count, using: &values.random)
            // Most are sound, so that not all aggregates are parked soon.
            let isOdd = values.isOne(in: 8)
            func text() -> Bytes { Bytes(isOdd ? values.text() : Array("plain".utf8)) }
            func optional(_ bytes: Bytes) -> Bytes? { values.isOne(in: 3) ? nil : bytes }
            func rarelyNull(_ bytes: Bytes) -> Bytes? { isOdd && values.isOne(in: 10) ? nil : bytes }
            let time = isOdd && values.isOne(in: 30) ? "3000-01-01 00:00:00+00" : values.pick(times)
            let version: Int64 = isOdd ? values.integer(Int64.self) : Int64(written.count + 1)
            let (context, type) = (rarelyNull(text()), text())
            let parameters: [any PostgresEncodable] = [
                context, type, Bytes(aggregates[number]), version, UUID(), rarelyNull(text()),
                values.integer(Int32.self), rarelyNull(Bytes(isOdd ? values.payload() : Array("{}".utf8))),
                optional(text()), optional(text()), optional(text()), optional(Bytes(values.object())),
                isOdd && values.isOne(in: 20) ? nil : time as String?,
            ]
            if let position = try await insert(BoundStatement(sql, parameters), on: connection) {
                let names = "\(context?.array ?? []) \(type.array) \(number)"
                written.append(Written(position: position, id: "\(number)", aggregate: names))
            }
        }
        await connection.close()
        return written
    }

    /// The row's position; `nil` if PostgreSQL refuses it: JSON that is none or has escapes without an encoding, an index's bound, a version that is there.
    private func insert(_ statement: BoundStatement, on connection: Connection) async throws -> Int64? {
        let rows: ResultSet
        do {
            rows = try await connection.query(statement)
        } catch {
            guard ["0A", "22", "23", "54"].contains(error.sqlState?.errorClass) else { throw error }
            return nil
        }
        return try rows.first?.decode(0)
    }

    private func waitForAll(_ rows: [Written], _ place: PoisonFixture) async throws {
        let last = rows.map(\.position).max() ?? 0
        try await eventually("the checkpoints do not come to \(last)", within: .seconds(60)) {
            let checkpoints = try await place.checkpoints()
            return checkpoints.count == 2 && checkpoints.allSatisfy { $0 >= last }
        }
    }

    private func delivered(_ place: PoisonFixture, in topic: String) async throws -> [Delivered] {
        try await place.kafka.readAll([topic]).compactMap { record in
            (record.header("global_position") ?? record.header("ce_globalposition")).flatMap { Int64($0) }
                .map { Delivered(position: $0, partition: record.partition) }
        }
    }

    /// What came first of each event came in the order of its aggregate, which is in one partition.
    private func expectOrder(_ delivered: [Delivered], _ aggregates: [Int64: String], _ seed: UInt64) {
        var seen: Set<Int64> = []
        var last: [String: Delivered] = [:]
        for record in delivered where seen.insert(record.position).inserted {
            let aggregate = aggregates[record.position] ?? ""
            if let before = last[aggregate] {
                #expect(before.partition == record.partition, "seed \(seed)")
                #expect(before.position < record.position, "seed \(seed): \(record.position)")
            }
            last[aggregate] = record
        }
    }
}
