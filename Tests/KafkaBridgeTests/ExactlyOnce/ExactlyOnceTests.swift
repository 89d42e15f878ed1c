import Consumers
import EventSourcing
import Kafka
import KafkaTestBroker
import Postgres
import TestSupport
import Testing

@testable import KafkaBridge

/// Exactly-once delivery through real tables and a broker, as a reader of committed records sees it.
@Suite(.timeLimit(.minutes(2))) struct ExactlyOnceTests {
    @Test func `each event is delivered once, and its progress with it`() async throws {
        try await PoisonFixture.with { place in
            let once = try ExactlyOnceFixture(place)
            try await once.relaying { _ in
                try await once.appendEvents(300)
                try await place.waitForCheckpoints(300)
            }
            #expect(try await once.committed(atLeast: 300) == Array(1...300))
            let progress = try await once.progress()
            #expect(progress.keys.sorted() == [0, 1])
            #expect(progress.values.compactMap(\.last?.position).max() == 300)
        }
    }

    @Test(.onEmbeddedBroker)
    func `a progress topic that was made and that a broker has not heard of yet is no reason to refuse anything`()
        async throws
    {
        try await PoisonFixture.withBroker { place, broker in
            let once = try ExactlyOnceFixture(place)
            let log = CapturedLog()
            await broker.inject(
                Fault(
                    .refuse(KafkaErrorCode(.unknownTopicOrPartition)), on: .metadata, topic: once.progressTopic,
                    skip: 1, count: 2))
            let relay = try once.relay("relay", logger: log.logger)
            try await once.appendEvents(10)
            try await place.waitForCheckpoints(10)
            try await relay.stop()
            #expect(log.lines.contains { $0.contains("created the topic of the progress") })
            #expect(log.lines.filter { $0.hasPrefix("error") || $0.contains("refused") } == [])
        }
    }

    @Test func `a relay that is gone in the middle of it, again and again, doubles nothing`() async throws {
        try await PoisonFixture.with { place in
            let once = try ExactlyOnceFixture(place)
            async let appended: Void = once.appendEvents(2_000)
            for round in 1...6 {
                let relay = try once.relay("relay-\(round)")
                try await once.waitForCommitted(250 * round)
                await relay.kill()
            }
            try await appended
            try await once.relaying { _ in try await place.waitForCheckpoints(2_000) }
            let committed = try await once.committed(atLeast: 2_000)
            #expect(Set(1...2_000).subtracting(committed).sorted() == [], "lost")
            #expect(committed.count == 2_000, "doubled")
        }
    }

    @Test func `a former owner whose transaction is open is fenced, and commits nothing more`() async throws {
        try await PoisonFixture.with { place in
            let once = try ExactlyOnceFixture(place)
            try await once.relaying { _ in
                try await once.appendEvents(50)
                try await place.waitForCheckpoints(50)
            }
            // A producer with the recorded id, as that of a process that was stopped in the middle of a transaction.
            let id = once.transactionalID("relay")
            var client = place.kafka.client()
            client.transactions = TransactionSettings(id: id)
            let former = try TransactionalProducer(client, logger: quiet)
            try await former.initialize()
            let topics = try await former.producer.prepare([place.topic])
            try await once.record(owner: id)
            _ = await former.producer.produce(StrayRecord(in: topics[0]))
            try await once.relaying("next") { _ in
                try await once.appendEvents(50)
                try await place.waitForCheckpoints(100)
            }
            await #expect(throws: KafkaError.self) { try await former.commit() }
            await former.producer.close()
            #expect(try await once.committed(atLeast: 100) == Array(1...100))
        }
    }

    @Test func `from at least once to exactly once and back nothing is lost, nor doubled where each stops in order`()
        async throws
    {
        try await PoisonFixture.with { place in
            let once = try ExactlyOnceFixture(place)
            for round in 0..<4 {
                let events = 60 * (round + 1)
                try await once.appendEvents(60)
                if round % 2 == 0 {
                    try await place.relaying(.park) { _ in try await place.waitForCheckpoints(Int64(events)) }
                } else {
                    try await once.relaying("relay-\(round)") { _ in
                        try await place.waitForCheckpoints(Int64(events))
                    }
                }
            }
            #expect(try await once.committed(atLeast: 240) == Array(1...240))
        }
    }

    @Test func `an event that was delivered and is gone stops the consumer by name, until an operator accepts it`()
        async throws
    {
        try await PoisonFixture.with { place in
            let once = try ExactlyOnceFixture(place)
            try await once.relaying { _ in
                try await once.appendEvents(20)
                try await place.waitForCheckpoints(20)
            }
            // As a server that has lost its last commits: the events and checkpoints are gone, and other events get the positions.
            try await once.execute(
                """
                UPDATE \(place.test.tables.events.sql) SET event_id = gen_random_uuid() WHERE global_position > 10;
                UPDATE \(place.test.tables.consumerSegments.sql) SET checkpoint = 10
                """)
            try await once.relaying("next") { relay in
                try await once.appendEvents(5)
                try await eventually("it is not refused") {
                    guard case .refused(let reason) = relay.publisher.condition else { return false }
                    return reason.contains("was delivered, and is not in the database any more")
                }
                try await once.restart()
                try await place.waitForCheckpoints(25)
            }
            #expect(try await Set(once.committed(atLeast: 25, mayRepeat: true)) == Set(1...25))
        }
    }

    @Test(.onEmbeddedBroker)
    func `an event that was redriven and not noted before the relay was gone is not delivered again`()
        async throws
    {
        try await PoisonFixture.withBroker { place, broker in
            let once = try ExactlyOnceFixture(place)
            await broker.inject(Fault(.refuse(KafkaErrorCode(.invalidRecord)), on: .produce, topic: place.badTopic))
            let relay = try once.relay("first")
            try await place.append("a", "Bad", "Good")
            try await place.waitForRows(["1 parked!", "2 parked"])
            await broker.removeAllFaults()
            // What is delivered again cannot be noted as long as another session holds the lock.
            let holder = try await place.test.connect()
            let letters = place.test.tables.godwitTable("dead_letters")
            let (lock, function) = (Int.random(in: 1...1_000_000), "\(letters.sql.dropLast())_hold\"")
            try await holder.execute(
                script: """
                    CREATE FUNCTION \(function)() RETURNS trigger LANGUAGE plpgsql AS
                        $$ BEGIN PERFORM pg_advisory_xact_lock(\(lock)); RETURN NEW; END $$;
                    CREATE TRIGGER hold BEFORE UPDATE ON \(letters.sql) FOR EACH ROW WHEN (NEW.state = 'redriven')
                        EXECUTE FUNCTION \(function)();
                    SELECT pg_advisory_lock(\(lock))
                    """)
            try await place.redrive()
            try await eventually("it is not delivered") {
                try await place.kafka.readAll([place.badTopic]).count == 1
            }
            await relay.kill()
            await holder.close()
            try await once.relaying("second") { _ in
                try await place.redrive()
                try await place.waitForRows(["1 redriven!", "2 redriven"])
                try await place.append("a", "Good")
                try await place.waitForCheckpoints(3)
            }
            #expect(try await once.committed(atLeast: 3) == [1, 2, 3])
        }
    }

    @Test(arguments: ["consumer_segments", "transactional_segments", "both"])
    func `where rows are gone nothing is lost: without its segments' rows a consumer begins as at a first start`(
        _ gone: String
    ) async throws {
        try await PoisonFixture.with { place in
            let once = try ExactlyOnceFixture(place)
            // Claims that are counted beyond those that come.
            for round in 1...3 {
                let relay = try once.relay("relay-\(round)")
                try await once.appendEvents(20)
                try await place.waitForCheckpoints(Int64(20 * round))
                await relay.kill()
            }
            let tables = place.test.tables
            if gone != "transactional_segments" { try await once.execute("DELETE FROM \(tables.consumerSegments.sql)") }
            if gone != "consumer_segments" {
                try await once.execute("TRUNCATE \(tables.godwitTable("transactional_segments").sql)")
            }
            try await once.relaying("next") { _ in
                try await once.appendEvents(20)
                try await place.waitForCheckpoints(80)
            }
            let again = gone == "transactional_segments" ? [] : Array(Int64(1)...60)
            let committed = try await once.committed(atLeast: 80 + again.count, mayRepeat: true)
            #expect(committed == (Array(1...80) + again).sorted())
        }
    }

    @Test(.onEmbeddedBroker)
    func `what was parked in rows that a server has lost is not taken for delivered`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            let once = try ExactlyOnceFixture(place)
            await broker.inject(Fault(.refuse(KafkaErrorCode(.invalidRecord)), on: .produce, topic: place.badTopic))
            let tables = place.test.tables
            let letters = "\(tables.godwitTable("dead_letters").sql)"
            try await once.relaying { relay in
                #expect(await relay.publisher.lastRecorded == nil)
                try await place.append("a", "Bad", "Good")
                try await place.append("b", "Good", "Good")
                try await place.waitForCheckpoints(4)
                let question = try #require(await relay.publisher.lastRecorded)
                let connection = try await place.test.connect()
                #expect(try await connection.query(question).first?.decode(0) == true)
                try await connection.execute(script: "BEGIN; DELETE FROM \(letters)")
                #expect(try await connection.query(question).first?.decode(0) == false)
                try await connection.execute(script: "ROLLBACK")
                await connection.close()
            }
            // Known by their rows when the next owner begins, and passed by it.
            try await once.execute("UPDATE \(tables.consumerSegments.sql) SET checkpoint = 0")
            try await once.relaying("second") { _ in
                try await place.append("b", "Good")
                try await place.waitForCheckpoints(5)
            }
            #expect(try await place.rows() == ["1 parked!", "2 parked"])
            await broker.removeAllFaults()
            try await once.execute(
                """
                DELETE FROM \(letters);
                UPDATE \(tables.consumerSegments.sql) SET checkpoint = 0
                """)
            try await once.relaying("third") { _ in try await place.waitForCheckpoints(5) }
            #expect(try await once.committed(atLeast: 5) == [1, 2, 3, 4, 5])
        }
    }

    @Test(.onEmbeddedBroker)
    func `more parked rows than a progress keeps, lost by the server, stop the consumer by name`() async throws {
        try await PoisonFixture.withBroker { place, broker in
            let once = try ExactlyOnceFixture(place)
            await broker.inject(Fault(.refuse(KafkaErrorCode(.invalidRecord)), on: .produce, topic: place.badTopic))
            let tables = place.test.tables
            let count = ParkedPositions.kept + 50
            let segments = tables.consumerSegments.sql
            try await once.relaying { _ in
                try await place.append("a", Array(repeating: "Bad", count: count))
                try await place.waitForCheckpoints(Int64(count))
                try await place.append("b", "Good")
                try await place.append("c", "Good")
                try await place.append("d", "Good")
                try await place.waitForCheckpoints(Int64(count + 3))
            }
            await broker.removeAllFaults()
            try await once.execute(
                """
                DELETE FROM \(tables.godwitTable("dead_letters").sql); UPDATE \(segments) SET checkpoint = 0
                """)
            try await once.relaying("next") { relay in
                try await eventually("it is not refused") {
                    guard case .refused(let reason) = relay.publisher.condition else { return false }
                    return reason.contains("which events were parked in between is not known")
                }
                try await once.restart()
                try await place.waitForCheckpoints(Int64(count + 3))
            }
            #expect(try await Set(once.committed(atLeast: count + 3, mayRepeat: true)) == Set(1...Int64(count + 3)))
        }
    }

    @Test func `delivered events that are deleted later do not stop a relay whose producer is replaced`() async throws {
        try await PoisonFixture.with { place in
            let once = try ExactlyOnceFixture(place)
            try await once.relaying { relay in
                try await once.appendEvents(20)
                try await place.waitForCheckpoints(20)
                try await once.execute("DELETE FROM \(place.test.tables.events.sql)")
                var client = place.kafka.client()
                client.transactions = TransactionSettings(id: once.transactionalID("relay"))
                try await TransactionalProducer.fence(client, logger: quiet)
                try await once.appendEvents(20)
                try await place.waitForCheckpoints(40)
                #expect(relay.publisher.condition == .flowing)
            }
            #expect(try await once.committed(atLeast: 40) == Array(1...40))
        }
    }

    @Test func `an event that the checkpoint has passed may be gone`() async throws {
        try await PoisonFixture.with { place in
            let once = try ExactlyOnceFixture(place)
            try await once.relaying { _ in
                try await once.appendEvents(20)
                try await place.waitForCheckpoints(20)
            }
            try await once.execute("DELETE FROM \(place.test.tables.events.sql) WHERE global_position > 15")
            try await once.relaying("next") { _ in
                try await once.appendEvents(5)
                try await place.waitForCheckpoints(25)
            }
            #expect(try await once.committed(atLeast: 25) == Array(1...25))
        }
    }

    @Test(.onEmbeddedBroker)
    func `a segment that halts keeps no other from being committed, and goes on behind its event`()
        async throws
    {
        try await PoisonFixture.withBroker { place, broker in
            let once = try ExactlyOnceFixture(place)
            await broker.inject(Fault(.refuse(KafkaErrorCode(.invalidRecord)), on: .produce, topic: place.badTopic))
            try await once.relaying(policy: .halt) { relay in
                let (first, second) = PoisonFixture.aggregates
                try await place.append(first, "Good", "Bad", "Good")
                try await place.append(second, "Good", "Good")
                try await eventually("the other segment waits") {
                    try await place.checkpoints() == [1, 5]
                }
                await broker.removeAllFaults()
                try await place.redrive()
                try await place.waitForCheckpoints(5)
            }
            #expect(try await once.committed(atLeast: 5) == [1, 2, 3, 4, 5])
        }
    }
}

/// A record that must not become visible.
private final class StrayRecord: RecordSource {
    private let topic: TopicHandle
    let count = 1

    init(in topic: TopicHandle) { self.topic = topic }

    func fill(_ index: Int, _ record: inout RecordWriter) {
        record.topic(topic)
        record.partition(0)
        record.value(copying: Array("stray".utf8).span.bytes)
    }
}
