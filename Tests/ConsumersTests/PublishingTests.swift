import EventSourcing
import Postgres
import TestSupport
import Testing

@testable import Consumers

@Suite struct PublishingTests {
    @Test func `events are relayed in order, and a restart goes on where it was`() async throws {
        try await TestStore.with { test in
            try await test.appendOneEach(1200)
            let first = RecordingConsumer()
            var source = try test.source()
            try await test.running(test.worker(first, source), source) { try await first.wait(for: 1200) }
            #expect(first.all.map(\.globalPosition) == Array(1...1200))
            #expect(try await test.checkpoints(of: "recorder") == [1200, 1200, 1200, 1200])

            let second = RecordingConsumer()
            source = try test.source()
            try await test.running(test.worker(second, source), source) {
                try await test.appendOneEach(10)
                try await second.wait(for: 10)
            }
            #expect(second.all.map(\.globalPosition) == Array(1201...1210))
        }
    }

    @Test func `the checkpoint does not pass what is not acknowledged`() async throws {
        try await TestStore.with { test in
            try await test.appendOneEach(20)
            let gate = Gate()
            let consumer = RecordingConsumer(gate: gate)
            let source = try test.source()
            try await test.running(test.worker(consumer, source, drainTimeout: .milliseconds(50)), source) {
                try await consumer.wait(for: 20)
            }
            #expect(try await test.checkpoints(of: "recorder") == [0, 0, 0, 0])
        }
    }

    @Test func `segments at different checkpoints each go on at their own`() async throws {
        try await TestStore.with { test in
            try await test.appendOneEach(40)
            let connection = try await test.connect()
            try await connection.query(
                Statement(
                    """
                    INSERT INTO \(test.tables.consumerSegments.sql) (consumer_name, segment_id, total_segments, checkpoint)
                    VALUES ('recorder', 0, 2, 30), ('recorder', 1, 2, 10)
                    """))
            await connection.close()
            let consumer = RecordingConsumer()
            let source = try test.source()
            let expected = (1...Int64(40)).filter { position in
                let id = Array("aggregate-\(position - 1)".utf8)
                let segment = FNV1aPartitionStrategy().segment(of: id.span.bytes, totalSegments: 2)
                return position > (segment == 0 ? 30 : 10)
            }
            try await test.running(test.worker(consumer, source, totalSegments: 2), source) {
                try await consumer.wait(for: expected.count)
            }
            #expect(consumer.all.map(\.globalPosition) == expected)
            #expect(try await test.checkpoints(of: "recorder") == [40, 40])
        }
    }

    @Test func `a consumer of a rare type is at the horizon when nothing in its scope came`() async throws {
        try await TestStore.with { test in
            try await test.appendOneEach(30)
            try await test.appendOneEach(1, type: "Rare")
            try await test.appendOneEach(30)
            let consumer = RecordingConsumer(scope: EventScope(aggregateTypes: ["Rare"]))
            let source = try test.source()
            try await test.running(test.worker(consumer, source, totalSegments: 1), source) {
                try await consumer.wait(for: 1)
            }
            #expect(consumer.all.map(\.globalPosition) == [31])
            #expect(try await test.checkpoints(of: "recorder") == [61])
        }
    }

    @Test func `a terminated backend neither ends the relay nor makes it publish again`() async throws {
        try await TestStore.with { test in
            let consumer = RecordingConsumer()
            let source = try test.source()
            try await test.running(test.worker(consumer, source), source) {
                for round in 1...5 {
                    try await test.appendOneEach(20)
                    try await consumer.wait(for: round * 20)
                    let connection = try await Connection.open(ConnectionConfiguration(test.url))
                    try await connection.query(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
                        "test \(test.tables.godwitSchema)")
                    await connection.close()
                }
                try await test.appendOneEach(20)
                try await consumer.wait(for: 120)
            }
            #expect(consumer.all.map(\.globalPosition) == Array(1...120))
            #expect(try await test.checkpoints(of: "recorder") == [120, 120, 120, 120])
        }
    }

    @Test func `the recorded number of segments holds, whatever is configured, and all of them have to be there`()
        async throws
    {
        try await TestStore.with { test in
            try await test.appendOneEach(5)
            let source = try test.source()
            let consumer = RecordingConsumer()
            try await test.running(test.worker(consumer, source), source) { try await consumer.wait(for: 5) }
            try await test.appendOneEach(5)
            let (other, next) = (try test.source(), RecordingConsumer())
            let worker = try test.worker(next, other, totalSegments: 8)
            try await test.running(worker, other) { try await next.wait(for: 5) }
            #expect(next.all.map(\.globalPosition) == Array(6...10))
            #expect(try await test.checkpoints(of: "recorder").count == 4)
            let connection = try await test.connect()
            try await connection.execute(
                script: "DELETE FROM \(test.tables.consumerSegments.sql) WHERE segment_id = 2")
            await connection.close()
            let missing = await #expect(throws: WorkerError.self) {
                try await test.worker(RecordingConsumer(), source).run()
            }
            #expect(missing == .segmentsMissing(consumer: "recorder", count: 3, of: 4))
            await source.close()
        }
    }

    @Test func `a checkpoint beyond the store is refused`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            try await connection.query(
                Statement("INSERT INTO \(test.tables.consumerSegments.sql) VALUES ('recorder', 0, 1, NULL, 99)"))
            await connection.close()
            let source = try test.source()
            let worker = try test.worker(RecordingConsumer(), source, totalSegments: 1)
            try await test.running(worker, source) {
                try await eventually("it is not refused") {
                    await worker.snapshot().horizon.problem?.text.contains("below position 99") == true
                }
                #expect(await worker.snapshot().horizon.problem?.isRefusal == true)
                #expect(await !worker.snapshot().isReady)
            }
            #expect(try await test.checkpoints(of: "recorder") == [99])
        }
    }

    @Test(arguments: ["CACHE 20", "INCREMENT 2", "CYCLE"])
    func `a sequence that breaks the horizon is refused`(property: String) async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let sequence = "\"\(test.tables.events.schema)\".events_global_position_seq"
            try await connection.execute(script: "ALTER SEQUENCE \(sequence) \(property)")
            await connection.close()
            let source = try test.source()
            let error = await #expect(throws: SourceError.self) { try await source.check() }
            #expect(error?.description.contains("events_global_position_seq") == true)
            await source.close()
        }
    }

    @Test func `a missing table is refused with its name`() async throws {
        let database = try await TestDatabase()
        let tables = try TableNames(inSchema: database.schema, godwitSchema: database.schema)
        let source = EventSource(try ConnectionConfiguration(database.url), tables: tables)
        let error = await #expect(throws: SourceError.self) { try await source.check() }
        #expect(error == .missingTable(tables.events))
        await source.close()
    }
}
