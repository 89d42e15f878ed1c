import Consumers
import EventSourcing
import Logging
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import KafkaBridge

/// A consumer's segments exchanged for another number of them, while workers serve it.
@Suite struct ResegmentationTests {
    /// Keeps what all workers were handed, in the order in which it was.
    private final class Record: Sendable {
        private let positions = Mutex<[(position: Int64, aggregate: String)]>([])
        private let halt = Mutex<Int64?>(nil)

        init(haltsAt position: Int64? = nil) { halt.withLock { $0 = position } }

        /// The event that cannot be delivered, until it is fixed.
        var haltsAt: Int64? { halt.withLock { $0 } }

        func fix() { halt.withLock { $0 = nil } }

        func note(_ events: [PersistedEvent]) {
            positions.withLock { $0 += events.map { ($0.globalPosition, $0.aggregateID) } }
        }

        var all: [(position: Int64, aggregate: String)] { positions.withLock { $0 } }
    }

    private struct Publisher: IntegrationConsumer {
        let name = "shop"
        let scope = EventScope.all
        let record: Record

        func publish(_ batch: FeedBatch) async throws -> Publication {
            var halts: [SegmentHalt] = []
            var taken: [PersistedEvent] = []
            for selected in batch.selection {
                guard let event = batch.events?[selected.index].event else { continue }
                if event.globalPosition == record.haltsAt {
                    halts.append(
                        SegmentHalt(segment: selected.segment, position: event.globalPosition, reason: "as told"))
                }
                if !halts.contains(where: { $0.segment == selected.segment }) { taken.append(event) }
            }
            record.note(taken)
            return Publication { [halts] in PublicationOutcome(halts: halts) }
        }
    }

    private static let random = Mutex(seeded("aggregates of resegmented consumers"))

    private func options() -> WorkerOptions {
        var options = WorkerOptions()
        options.heartbeatInterval = .milliseconds(300)
        options.staleThreshold = .seconds(3)
        options.rebalanceInterval = .milliseconds(300)
        options.haltRetryInterval = .milliseconds(200)
        options.dispatcherPollInterval = .milliseconds(10)
        options.logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return options
    }

    private func resegmentation(_ store: TestStore) -> Resegmentation {
        var options = Resegmentation.Options()
        options.staleThreshold = .seconds(3)
        options.hold = .seconds(2)
        return Resegmentation(store.tables, channel: nil, options: options)
    }

    private func append(_ count: Int, _ store: TestStore, _ connection: Connection) async throws {
        for _ in 0..<count {
            let aggregate = Self.random.withLock { Int.random(in: 0..<40, using: &$0) }
            let event = Event.sample("aggregate-\(aggregate)")
            _ = try await connection.withTransaction {
                try await store.store.append([event], expecting: .any, in: $0)
            }
        }
    }

    private func segments(_ store: TestStore, _ connection: Connection) async throws -> [(
        total: Int, checkpoint: Int64
    )] {
        try await connection.query(SegmentsTable(store.tables).rows("shop")).map {
            (try $0.decode(1), try $0.decode(3))
        }
    }

    /// Runs so many workers beside the body.
    private func serving(
        _ count: Int, _ store: TestStore, _ record: Record, _ body: () async throws -> Void
    ) async throws {
        var running: [(worker: Worker, task: Task<Void, any Error>, source: EventSource)] = []
        for _ in 0..<count {
            let source = EventSource(
                try store.configuration, tables: store.tables,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let worker = try Worker(source, integrations: [Publisher(record: record)], options: options())
            running.append((worker, Task { try await worker.run() }, source))
        }
        var failure: (any Error)?
        do { try await body() } catch { failure = error }
        for (worker, _, _) in running { worker.stop() }
        for (_, task, source) in running {
            do { try await task.value } catch { failure = failure ?? error }
            await source.close()
        }
        if let failure { throw failure }
    }

    private func expectAll(_ record: Record, through last: Int64) {
        let all = record.all
        #expect(Set(all.map(\.position)) == Set(1...last))
        #expect(all.count == Int(last), "\(all.count - Int(last)) came twice")
        for (aggregate, events) in Dictionary(grouping: all, by: \.aggregate) {
            #expect(events.map(\.position) == events.map(\.position).sorted(), "\(aggregate) is out of order")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `from 4 to 16 to 3 under load: nothing is lost, doubled or out of order`() async throws {
        try await TestStore.with { store in
            let record = Record()
            let isDone = WakeSignal()
            let connection = try await store.connect()
            try await serving(3, store, record) {
                let writer = try await store.connect()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        while !isDone.isClosed { try await append(5, store, writer) }
                    }
                    try await eventually("it has begun") { record.all.count > 50 }
                    for total in [16, 3] {
                        let result = try await resegmentation(store).run("shop", to: total, by: "me", on: connection)
                        #expect(result.plan.to == total)
                        #expect(result.plan.liveWorkers.count == 3)
                        let count = record.all.count
                        try await eventually("it goes on") { record.all.count > count + 100 }
                        let rows = try await segments(store, connection)
                        #expect(rows.map(\.total) == Array(repeating: total, count: total))
                    }
                    isDone.close()
                    try await group.waitForAll()
                }
                await writer.close()
                let last: Int64 =
                    try await connection.query(EventsTable(store.tables.source).latestPosition)
                    .first?.decode(0) ?? 0
                try await eventually("everything came") { Set(record.all.map(\.position)).count == Int(last) }
                expectAll(record, through: last)
            }
            let entry = try await connection.query(AuditLog(store.tables).newest(1)).first
            #expect(try entry?.decode(1, as: String.self) == "resegment")
            await connection.close()
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `ended anywhere in the middle, the old or the new segments are there, and the workers go on`() async throws {
        try await TestStore.with { store in
            let record = Record()
            let connection = try await store.connect()
            var random = seeded("ends of exchanges")
            try await serving(2, store, record) {
                try await append(20, store, connection)
                try await eventually("it has begun") { record.all.count == 20 }
                for round in 0..<8 {
                    let total = [5, 9][round % 2]
                    let other = try await store.connect()
                    let resegmentation = resegmentation(store)
                    let exchanging = Task {
                        try? await resegmentation.run("shop", to: total, by: "me", on: other)
                    }
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0...700, using: &random)))
                    // As a kill does: the session ends, and nothing is taken back.
                    await other.close()
                    _ = await exchanging.value
                    try await append(10, store, connection)
                    let expected = 20 + (round + 1) * 10
                    try await eventually("what came meanwhile is handed over") { record.all.count >= expected }
                    let rows = try await segments(store, connection)
                    #expect(Set(rows.map(\.total)) == [rows.count])
                }
                expectAll(record, through: 100)
            }
            await connection.close()
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a segment that halts is no problem, and halts on with its aggregate`() async throws {
        try await TestStore.with { store in
            let record = Record(haltsAt: 5)
            let connection = try await store.connect()
            try await append(200, store, connection)
            let ids = try await connection.query(
                Statement("SELECT aggregate_id FROM \(store.tables.events.sql) ORDER BY global_position"))
            let strategy = FNV1aPartitionStrategy()
            func segments(of total: Int) throws -> [Int] {
                try ids.map { row in
                    let bytes = Array(try row.decode(0, as: String.self).utf8)
                    return strategy.segment(of: bytes.span.bytes, totalSegments: total)
                }
            }
            try await serving(2, store, record) {
                for total in [4, 16] {
                    if total == 16 {
                        try await resegmentation(store).run("shop", to: total, by: "me", on: connection)
                    }
                    let segments = try segments(of: total)
                    let waiting = segments.enumerated().filter { $0.element == segments[4] && $0.offset >= 4 }.count
                    try await eventually("all but the segment that halts flows") { record.all.count >= 200 - waiting }
                }
                record.fix()
                try await eventually("the segment goes on") { record.all.count >= 200 }
                try await eventually("the checkpoints pass it") {
                    try await self.segments(store, connection).allSatisfy { $0.checkpoint == 200 }
                }
            }
            expectAll(record, through: 200)
            await connection.close()
        }
    }

    @Test func `what one segment had done and another had not is told apart by the former segments`() async throws {
        try await TestStore.with { store in
            let connection = try await store.connect()
            try await append(60, store, connection)
            let strategy = FNV1aPartitionStrategy()
            // One halts at the beginning, another has come to the end.
            try await connection.execute(
                script: """
                    INSERT INTO \(store.tables.consumerSegments.sql) (consumer_name, segment_id, total_segments, checkpoint, epoch)
                    VALUES ('shop', 0, 3, 7, 4), ('shop', 1, 3, 60, 9), ('shop', 2, 3, 31, 1);
                    INSERT INTO \(store.tables.godwitSchema).dead_letters (consumer_name, global_position, segment_id, event_id,
                        event_type, bounded_context, aggregate_type, aggregate_id, aggregate_version, state, is_cause, reason, error)
                    SELECT 'shop', number, 0, gen_random_uuid(), '', '', '', 'aggregate-' || number, 1, 'parked', true, 'poison', ''
                    FROM generate_series(1, 20) AS number;
                    """)
            let result = try await resegmentation(store).run("shop", to: 8, by: "me", on: connection)
            #expect(result.plan.lowest == 7)
            let rows = try await connection.query(SegmentExchangesTable(store.tables).lock("shop"))
            #expect(try rows.map { try $0.decode(3, as: Int64.self) } == Array(repeating: 7, count: 8))
            #expect(try rows.map { try $0.decode(4, as: Int64.self) } == Array(repeating: 10, count: 8))
            let letters = try await connection.query(
                Statement("SELECT aggregate_id, segment_id FROM \(store.tables.godwitSchema).dead_letters"))
            for row in letters {
                let bytes = Array(try row.decode(0, as: String.self).utf8)
                #expect(try row.decode(1, as: Int.self) == strategy.segment(of: bytes.span.bytes, totalSegments: 8))
            }
            let record = Record()
            let due = try await connection.query(
                Statement("SELECT global_position, aggregate_id FROM \(store.tables.events.sql) ORDER BY 1")
            ).filter { row in
                let bytes = Array(try row.decode(1, as: String.self).utf8)
                let former = strategy.segment(of: bytes.span.bytes, totalSegments: 3)
                return try row.decode(0, as: Int64.self) > [7, 60, 31][former]
            }.map { try $0.decode(0, as: Int64.self) }
            // Until all have passed what the former ones had done, they are not exchanged again.
            var impatient = Resegmentation.Options()
            impatient.patience = .milliseconds(100)
            await #expect(throws: ResegmentationError.self) {
                try await Resegmentation(store.tables, channel: nil, options: impatient)
                    .run("shop", to: 2, by: "me", on: connection)
            }
            try await serving(1, store, record) {
                try await eventually("what is left comes") { record.all.count == due.count }
                try await eventually("the checkpoints pass it") {
                    try await segments(store, connection).allSatisfy { $0.checkpoint == 60 }
                }
            }
            #expect(record.all.map(\.position).sorted() == due)
            await connection.close()
        }
    }

    @Test
    func
        `workers of another kind, exactly-once delivery without its progress and what makes no sense are refused by name`()
        async throws
    {
        try await TestStore.with { store in
            let connection = try await store.connect()
            let work = resegmentation(store)
            await #expect(throws: ResegmentationError.unknown("shop")) {
                try await work.run("shop", to: 2, by: "me", on: connection)
            }
            try await connection.execute(
                script: """
                    INSERT INTO \(store.tables.consumerSegments.sql) (consumer_name, segment_id, total_segments)
                    SELECT 'shop', segment, 4 FROM generate_series(0, 3) AS segment;
                    INSERT INTO \(store.tables.consumerWorkers.sql) (consumer_name, worker_id) VALUES ('shop', 'go-worker');
                    """)
            await #expect(throws: ResegmentationError.same("shop", 4)) {
                try await work.run("shop", to: 4, by: "me", on: connection)
            }
            await #expect(throws: ResegmentationError.foreignWorkers("shop", ["go-worker"])) {
                try await work.run("shop", to: 8, by: "me", on: connection)
            }
            try await connection.execute(
                script: """
                    DELETE FROM \(store.tables.consumerWorkers.sql);
                    INSERT INTO \(store.tables.godwitSchema).transactional_segments (events_table, consumer_name, segment_id, epoch)
                    VALUES ('\(store.tables.events.text)', 'shop', 0, 1);
                    """)
            await #expect(throws: ResegmentationError.exactlyOnce("shop")) {
                try await work.run("shop", to: 8, by: "me", on: connection)
            }
            #expect(try await segments(store, connection).count == 4)
            await connection.close()
        }
    }
}
