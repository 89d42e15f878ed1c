import EventSourcing
import Glibc
import Kafka
import KafkaTestBroker
import Postgres
import TestSupport
import Testing

/// `godwit run` that is killed where its steps meet. What comes next goes on from the checkpoint: nothing is lost, first
/// occurrences stay in order, and only what was behind the checkpoint is doubled.
@Suite struct KilledRelayTests {
    private static let variables = [
        "GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms", "GODWIT_WORKER_STALE_THRESHOLD": "2s",
        "GODWIT_WORKER_REBALANCE_INTERVAL": "300ms", "GODWIT_WORKER_TOTAL_SEGMENTS": "1",
        "GODWIT_WORKER_BATCH_SIZE": "20",
    ]

    @Test(.onEmbeddedBroker, .timeLimit(.minutes(2)))
    func `killed after it has read, with the first requests under way`() async throws {
        try await kill(doubling: 0...4) { broker, place in
            let ids = try await place.appendBacklog(20, aggregates: 10)
            let fault = await broker.inject(Fault(.hang, on: .produce))
            let relay = try place.run(Self.variables)
            try await eventually("no request came") { await broker.hits(ofFault: fault) > 0 }
            relay.send(SIGKILL)
            #expect(await relay.result().exitCode == -SIGKILL)
            await broker.removeFault(fault)
            return ids
        }
    }

    @Test(.onEmbeddedBroker, .timeLimit(.minutes(2)))
    func `killed in mid-batch, with some of it written and not acknowledged`() async throws {
        try await kill(doubling: 1...200) { broker, place in
            let ids = try await place.appendBacklog(20, aggregates: 10)
            let written = await broker.inject(Fault(.dropAnswer, on: .produce, skip: 2, count: 1))
            let hanging = await broker.inject(Fault(.hang, on: .produce, skip: 3))
            let relay = try place.run(Self.variables)
            try await eventually("no request was left unanswered") {
                let counts = (await broker.hits(ofFault: written), await broker.hits(ofFault: hanging))
                return counts.0 == 1 && counts.1 > 0
            }
            relay.send(SIGKILL)
            #expect(await relay.result().exitCode == -SIGKILL)
            await broker.removeFault(hanging)
            return ids
        }
    }

    @Test(.onEmbeddedBroker, .timeLimit(.minutes(2)))
    func `killed after the acknowledgement, before the checkpoint`() async throws {
        try await kill(doubling: 200...200) { _, place in
            try await withBlockedCheckpoint(place) { connection, backend in
                // With its session, the server drops the statement.
                try await connection.query("SELECT pg_terminate_backend($1)", backend)
            }
        }
    }

    @Test(.onEmbeddedBroker, .timeLimit(.minutes(2)))
    func `killed in the middle of the checkpoint, which the server carries out all the same`() async throws {
        // All of them where the statement's own time was over before the row came free.
        try await kill(doubling: 0...200) { _, place in
            try await withBlockedCheckpoint(place) { _, _ in }
        }
    }

    /// Has a relay killed by the body, starts another, and looks at what the topic holds.
    private func kill(
        doubling expected: ClosedRange<Int>, _ body: (KafkaTestBroker, RelayFixture) async throws -> Set<String>
    ) async throws {
        try await TestKafka.withBroker { kafka, broker in
            try await RelayFixture.with(kafka) { place in
                let ids = try await body(broker, place)
                let connection = try await place.test.connect()
                let doubled = try await place.countAhead(connection)
                #expect(expected.contains(doubled))
                let relay = try place.run(Self.variables)
                _ = try await place.receive(ids)
                try await eventually("the checkpoint does not come up") {
                    try await place.countAhead(connection) == 0
                }
                await connection.close()
                relay.send(SIGTERM)
                let result = await relay.result()
                #expect(result.exitCode == 0, "\(result.standardError)")
                let records = try await kafka.readAll([place.topic])
                #expect(records.eventIDs == ids)
                #expect(records.isInOrder)
                #expect(records.count == ids.count + doubled)
            }
        }
    }

    /// Runs a relay until all it was given is in the topic and the checkpoint behind it waits for a lock on the row; kills
    /// it, runs the body, and gives the row free.
    private func withBlockedCheckpoint(
        _ place: RelayFixture, _ body: (_ other: Connection, _ backend: Int32) async throws -> Void
    ) async throws -> Set<String> {
        let (locking, other) = (try await place.test.connect(), try await place.test.connect())
        let segments = place.test.tables.consumerSegments.sql
        let relay = try place.run(Self.variables)
        try await eventually("the segment was not claimed") {
            try await other.query(Statement("SELECT FROM \(segments) WHERE owner_id IS NOT NULL")).count == 1
        }
        // A row that another transaction holds is left for later; a trigger makes the statement itself wait.
        let schema = place.test.tables.godwitSchema
        try await locking.execute(
            script: """
                CREATE FUNCTION \(schema).wait() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN PERFORM pg_advisory_xact_lock(hashtext('\(schema)')); RETURN new; END $$;
                CREATE TRIGGER wait BEFORE UPDATE OF checkpoint ON \(segments)
                    FOR EACH ROW WHEN (new.checkpoint > old.checkpoint) EXECUTE FUNCTION \(schema).wait()
                """)
        try await locking.execute(script: "BEGIN; SELECT pg_advisory_xact_lock(hashtext('\(schema)'))")
        let ids = try await place.appendBacklog(20, aggregates: 10)
        _ = try await place.receive(ids)
        let waiting = Statement(
            """
            SELECT pid FROM pg_stat_activity
            WHERE query LIKE '%SET checkpoint = greatest%' AND $1 = ANY(pg_blocking_pids(pid))
            """)
        var backend: Int32?
        try await eventually("the checkpoint does not wait") {
            backend = try await other.query(waiting, locking.backendPID).first?.decode(0)
            return backend != nil
        }
        relay.send(SIGKILL)
        #expect(await relay.result().exitCode == -SIGKILL)
        let pid = try #require(backend)
        try await body(other, pid)
        try await locking.execute(script: "ROLLBACK")
        try await eventually("the session of the killed relay lives on") {
            try await other.query("SELECT FROM pg_stat_activity WHERE pid = $1", pid).isEmpty
        }
        await locking.close()
        await other.close()
        return ids
    }
}
