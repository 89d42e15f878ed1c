import Consumers
import EventSourcing
import Kafka
import KafkaTestBroker
import Postgres
import TestSupport
import Testing

@testable import KafkaBridge

/// A parked event is done with once its row is committed, also when a relay is killed around that moment and another takes over.
@Suite(.timeLimit(.minutes(3))) struct ParkedRowTests {
    /// While the rows cannot be committed, first the session that tries is killed, and then the relay.
    @Test func `no checkpoint passes an event before its row is committed`() async throws {
        try await PoisonFixture.with { place in
            try await place.append("b", "Good")
            try await place.relaying(.park) { first in
                try await place.waitForCheckpoints(1)
                let lock = try await place.test.connect()
                let table = place.test.tables.godwitTable("dead_letters").sql
                try await lock.execute(script: "BEGIN; LOCK TABLE \(table) IN SHARE MODE")
                func noting() async throws -> Int? {
                    try await lock.query(
                        "SELECT pid FROM pg_locks WHERE relation = $1::text::regclass AND NOT granted", table
                    ).first?.decode(0)
                }
                try await place.append("a", "Good", bytes: 20_000)
                try await place.append("a", "Good")
                try await place.append("b", "Good")
                try await eventually("nobody notes") { try await noting() != nil }
                let session = try #require(try await noting())
                try await lock.query("SELECT pg_terminate_backend($1::integer)", session)
                try await eventually("nobody notes again") { try await noting().map { $0 != session } ?? false }
                try await place.letRelaysBeat()
                #expect(try await place.checkpoints() == [1, 1])
                await first.kill()
                await lock.close()
            }
            try await place.relaying(.park) { _ in
                try await place.waitForRows(["2 parked!", "3 parked"])
                try await place.waitForCheckpoints(4)
            }
            #expect(try await place.all().allSatisfy { $0.attempts == 1 })
            #expect(Set(try await place.positions(in: place.topic, atLeast: 2)) == [1, 4])
        }
    }

    /// Killed before the checkpoint has passed any of them.
    @Test(.onEmbeddedBroker) func `what was decided before a kill is carried out once`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            await broker.inject(Fault(.refuse(KafkaErrorCode(.invalidRecord)), on: .produce, topic: place.badTopic))
            try await place.relaying(.park, worker: { $0.checkpointInterval = .seconds(3600) }) { first in
                try await place.append("a", "Bad")
                try await place.waitForRows(["1 parked!"])
                try await place.append("a", "Good")
                try await place.append("b", "Bad")
                try await place.waitForRows(["1 parked!", "2 parked", "3 parked!"])
                try await place.append("b", "Good")
                try await place.append("c", "Bad")
                try await place.waitForRows(["1 parked!", "2 parked", "3 parked!", "4 parked", "5 parked!"])
                try await place.discard(3)
                try await place.waitForRows(["1 parked!", "2 parked", "3 discarded!", "4 redriven", "5 parked!"])
                await broker.removeAllFaults()
                try await place.redrive(DeadLetterSelection(aggregateID: "a"))
                try await place.waitForRows(["1 redriven!", "2 redriven", "3 discarded!", "4 redriven", "5 parked!"])
                await broker.takeDown()
                try await place.redrive(DeadLetterSelection(aggregateID: "c"))
                try await place.waitForRows(["1 redriven!", "2 redriven", "3 discarded!", "4 redriven", "5 redriving!"])
                await first.kill()
            }
            await broker.bringUp()
            #expect(try await place.checkpoints() == [0, 0])
            // One event at a time, so that some are done with before others come again.
            try await place.relaying(.park, worker: { $0.batchSize = 1 }) { _ in
                try await place.waitForRows(["1 redriven!", "2 redriven", "3 discarded!", "4 redriven", "5 redriven!"])
                for aggregate in ["a", "b", "c"] { try await place.append(aggregate, "Good") }
                try await place.waitForCheckpoints(8)
            }
            // Each once: nothing had left at the kill.
            let delivered = try await place.kafka.readAll([place.topic, place.badTopic])
                .compactMap { $0.header("global_position").flatMap(Int64.init) }
            #expect(delivered.sorted() == [1, 2, 4, 5, 6, 7, 8])
            #expect(try await place.rows().count == 5)
        }
    }

    /// Two owners for a moment: the one that has lost the segment still finds too large what the other has delivered.
    @Test func `who has lost the segment parks nothing`() async throws {
        try await PoisonFixture.with { place in
            let pool = ConnectionPool(try place.test.configuration, size: 2, logger: quiet)
            let connection = try await place.test.connect()
            try await connection.query(
                Statement(
                    """
                    INSERT INTO \(place.test.tables.consumerSegments.sql)
                        (consumer_name, segment_id, total_segments, epoch) VALUES ('identity', 0, 1, 2)
                    """))
            await connection.close()
            func publisher(epoch: Int64, limit: Int) async throws -> KafkaPublisher {
                var options = try place.options
                options.onPoison = .park
                options.deadLetters = DeadLetterStore(pool, tables: place.test.tables)
                options.maximumRecordBytes = limit
                let publisher = KafkaPublisher(options, logger: quiet)
                try await publisher.serve([ServedSegment(segment: 0, checkpoint: 0, epoch: epoch, attempt: 0)])
                return publisher
            }
            let batch = try await EventRows.batch(
                EventRows.sql("g", rows: 1...4, payload: "repeat('x', CASE g WHEN 2 THEN 20000 ELSE 10 END)"))
            let stale = try await publisher(epoch: 1, limit: 10_000)
            let owner = try await publisher(epoch: 2, limit: 100_000)
            async let staleOutcome = stale.publish(batch).outcome()
            try await owner.deliver(batch)
            #expect(try await staleOutcome == .done)
            #expect(try await place.rows().isEmpty)

            // Both find it too large: one row each.
            let other = try await publisher(epoch: 2, limit: 10_000)
            async let staleAgain = stale.publish(batch).outcome()
            try await other.deliver(batch)
            #expect(try await staleAgain == .done)
            #expect(try await place.rows() == ["2 parked!", "3 parked", "4 parked"])
            #expect(try await place.all().allSatisfy { $0.attempts == 1 })
            for publisher in [stale, owner, other] { await publisher.close() }
            await pool.close()
        }
    }

    /// The note of a relay that is gone is still under way in the database: nobody claims its segment before it is there.
    @Test func `a segment is claimed only behind a note that is under way`() async throws {
        try await PoisonFixture.with { place in
            let (first, second) = PoisonFixture.aggregates
            try await place.relaying(.park) { gone in
                try await place.append(second, "Good")
                try await place.waitForCheckpoints(1)
                await gone.kill()
            }
            let noting = try await place.test.connect()
            try await noting.execute(script: "BEGIN")
            let segments = place.test.tables.consumerSegments.sql
            let epoch: Int64 = try #require(
                try await noting.query(Statement("SELECT epoch FROM \(segments) WHERE segment_id = 0")).first
            ).decode(0)
            let positions = try await place.append(first, "Good", bytes: 20_000)
            let row = DeadLettersTests.event((positions[0], first, .tooLarge), epoch: epoch)
            try await noting.query(
                DeadLettersTable(place.test.tables).record(PoisonFixture.consumer, [row], as: .parked))
            // The one that takes over would take the event.
            try await place.relaying(.park, change: { $0.maximumRecordBytes = 100_000 }) { relaying in
                try await eventually("the other segment is not taken over") {
                    await relaying.worker.snapshot().consumers[0].own.segments.keys.contains(1)
                }
                try await place.letRelaysBeat()
                #expect(await Set(relaying.worker.snapshot().consumers[0].own.segments.keys) == [1])
                try await noting.execute(script: "COMMIT")
                try await place.append(first, "Good")
                try await place.waitForRows(["2 parked!", "3 parked"])
                try await place.waitForCheckpoints(3)
            }
            await noting.close()
            #expect(try await place.positions(in: place.topic, atLeast: 1) == [1])
        }
    }
}
