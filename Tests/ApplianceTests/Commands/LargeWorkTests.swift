import EventSourcing
import FoundationEssentials
import Glibc
import Kafka
import Postgres
import TestSupport
import Testing

/// `godwit run` with much at once: large transactions, large payloads, and a backlog that nobody takes.
@Suite(.serialized) struct LargeWorkTests {
    @Test(.timeLimit(.minutes(5)))
    func `transactions of 10,000 events and payloads of 900 KB pass, complete and in order`() async throws {
        try await RelayFixture.with { place in
            let relay = try place.run(["GODWIT_WORKER_BATCH_SIZE": "500"])
            let connection = try await place.test.connect()
            var ids: Set<String> = []
            var large: [String: [UInt8]] = [:]
            for round in 0..<2 {
                try await connection.withTransaction { transaction in
                    // One append is of one aggregate; the transaction is what counts.
                    for aggregate in 0..<5 {
                        let events = (0..<2_000).map { _ in Event.sample("many-\(round)-\(aggregate)") }
                        ids.formUnion(events.map { $0.eventID.uuidString.lowercased() })
                        _ = try await place.test.store.append(events, expecting: .any, in: transaction)
                    }
                }
                for number in 0..<5 {
                    var event = Event.sample("large-\(number)")
                    event.payload = (0..<900_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number &+ round) }
                    let id = event.eventID.uuidString.lowercased()
                    large[id] = event.payload
                    ids.insert(id)
                    _ = try await connection.withTransaction { [event] in
                        try await place.test.store.append([event], expecting: .any, in: $0)
                    }
                }
            }
            await connection.close()
            let records = try await place.receive(ids)
            #expect(records.count == ids.count)
            #expect(records.isInOrder)
            for record in records {
                guard let payload = large[record.header("event_id") ?? ""] else { continue }
                #expect(record.value == payload)
            }
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
        }
    }

    /// The backlog is larger than the bound, so a relay that reads on while nobody takes anything goes beyond it.
    @Test(.timeLimit(.minutes(5)))
    func `a backlog of 200 MB while the broker is down takes less than 128 MB, and is caught up with`() async throws {
        try await BrokerProcess.with { broker in
            try await RelayFixture.with(TestKafka(bootstrapServers: broker.bootstrapServers)) { place in
                let relay = try place.run([
                    "GODWIT_KAFKA_PROPERTIES_RECONNECT_BACKOFF_MAX_MS": "100", "GODWIT_WORKER_BATCH_SIZE": "500",
                    "GODWIT_DATABASE_URL": place.test.url + (place.test.url.contains("?") ? "&" : "?")
                        + "application_name=\(place.test.tables.godwitSchema)",
                ])
                _ = try await place.receive(try await place.append(20))
                await broker.end(SIGKILL)
                let connection = try await place.test.connect()
                let appended = try await appendBacklog(10_000, bytes: 20_000, place, connection)
                #expect(await relay.waitForError("cannot be reached"))
                try await eventually("the relay does not come to rest") {
                    try await isResting(place, connection, since: appended)
                }
                let resting = try memory(of: relay, "VmRSS")
                #expect(resting < 128_000, "\(resting) kB with the broker down")

                try await broker.start()
                let last = try await connection.query(
                    Statement("SELECT max(global_position) FROM \(place.test.tables.events.sql)"))
                let end = try #require(try last.first?.decode(0, as: Int64.self))
                try await eventually("it does not catch up", within: .seconds(180)) {
                    try await checkpoint(place, connection) == end
                }
                let most = try memory(of: relay, "VmHWM")
                #expect(most < 128_000, "\(most) kB at most")
                await connection.close()
                relay.send(SIGTERM)
                #expect(await relay.result().exitCode == 0)
            }
        }
    }

    /// Many large events by one statement, as another service's writer might bring them. Gives the server's time afterwards.
    private func appendBacklog(
        _ count: Int, bytes: Int, _ place: RelayFixture, _ connection: Connection
    ) async throws -> Double {
        try await connection.execute(
            script: """
                INSERT INTO \(place.test.tables.events.sql) (bounded_context, aggregate_type, aggregate_id,
                    aggregate_version, event_id, event_type, payload)
                SELECT 'Identity', 'Backlog', 'backlog-' || i % 100, i / 100 + 1, gen_random_uuid(), 'Happened',
                    convert_to(repeat('x', \(bytes)), 'UTF8')
                FROM generate_series(0, \(count - 1)) AS i ORDER BY i
                """)
        let rows = try await connection.query(Statement("SELECT extract(epoch FROM clock_timestamp())::float8"))
        return try #require(try rows.first?.decode(0, as: Double.self))
    }

    /// Whether the relay has read events since a time, and none for two seconds.
    private func isResting(
        _ place: RelayFixture, _ connection: Connection, since time: Double
    ) async throws -> Bool {
        let look = Statement(
            """
            SELECT bool_and(state = 'idle' AND state_change < clock_timestamp() - interval '2 seconds'
                AND extract(epoch FROM state_change) > $1)
            FROM pg_stat_activity
            WHERE application_name = '\(place.test.tables.godwitSchema)' AND query LIKE '%pg_sequence_last_value%'
            """)
        let rows = try await connection.query(BoundStatement(look, [time]))
        return try rows.first?.decodeIfPresent(0, as: Bool.self) ?? false
    }

    private func checkpoint(_ place: RelayFixture, _ connection: Connection) async throws -> Int64 {
        let rows = try await connection.query(
            Statement("SELECT min(checkpoint) FROM \(place.test.tables.consumerSegments.sql)"))
        return try rows.first?.decodeIfPresent(0, as: Int64.self) ?? 0
    }

    /// In kB, as the system counts.
    private func memory(of process: RunningCommand, _ field: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process.processID)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(field + ":") })
        return try #require(line.split(separator: " ").compactMap { Int($0) }.first)
    }
}
