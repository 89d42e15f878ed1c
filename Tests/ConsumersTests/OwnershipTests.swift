import EventSourcing
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Consumers

@Suite struct OwnershipTests {
    /// A worker under way, with its consumer.
    private struct Running {
        let worker: Worker
        let consumer: RecordingConsumer
        let source: EventSource
        let task: Task<Void, any Error>

        init(_ test: TestStore, totalSegments: Int = 4, scope: EventScope = .all) throws {
            consumer = RecordingConsumer(scope: scope)
            source = try test.source()
            let worker = try test.worker(consumer, source, totalSegments: totalSegments)
            self.worker = worker
            task = Task { try await worker.run() }
        }

        func stop() async throws {
            worker.stop()
            try await task.value
            await source.close()
        }

        /// Lets go without a word, as a process that is killed.
        func kill() async {
            task.cancel()
            _ = try? await task.value
            await source.close()
        }
    }

    /// How many segments each owner has.
    private func owners(_ test: TestStore, on connection: Connection) async throws -> [String: Int] {
        let rows = try await connection.query(
            Statement(
                """
                SELECT coalesce(owner_id, ''), count(*) FROM \(test.tables.consumerSegments.sql) GROUP BY 1
                """))
        return try rows.reduce(into: [:]) { $0[try $1.decode(0)] = try $1.decode(1, as: Int.self) }
    }

    private func waitForOwners(
        _ test: TestStore, _ expected: [String: Int], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let connection = try await test.connect()
        try await eventually("the owners never became \(expected)", sourceLocation: sourceLocation) {
            try await owners(test, on: connection) == expected
        }
        await connection.close()
    }

    private func waitForShares(
        _ test: TestStore, _ expected: [Int], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let connection = try await test.connect()
        try await eventually("the shares never became \(expected)", sourceLocation: sourceLocation) {
            let found = try await owners(test, on: connection)
            return found[""] == nil && found.values.sorted() == expected
        }
        await connection.close()
    }

    @Test func `workers that come and go share the segments fairly, and nothing is lost or doubled`() async throws {
        try await TestStore.with { test in
            let first = try Running(test)
            try await waitForOwners(test, [first.worker.id: 4])
            try await test.appendOneEach(50)
            let second = try Running(test)
            try await waitForOwners(test, [first.worker.id: 2, second.worker.id: 2])
            try await test.appendOneEach(50)
            let third = try Running(test)
            try await waitForShares(test, [1, 1, 2])
            try await test.appendOneEach(50)
            try await second.stop()
            try await third.stop()
            try await waitForOwners(test, [first.worker.id: 4])
            try await test.appendOneEach(50)
            let all = { first.consumer.all + second.consumer.all + third.consumer.all }
            try await eventually("200 events never came") { all().count >= 200 }
            #expect(all().map(\.globalPosition).sorted() == Array(1...200))
            try await first.stop()
            let connection = try await test.connect()
            #expect(try await owners(test, on: connection) == ["": 4])
            await connection.close()
            #expect(try await test.checkpoints(of: "recorder") == [200, 200, 200, 200])
        }
    }

    private final class End: Sendable {
        private let state = Mutex(false)
        var isReached: Bool { state.withLock { $0 } }
        func reach() { state.withLock { $0 = true } }
    }

    @Test func `a consumer gets nothing beyond its scope while workers come and go`() async throws {
        try await TestStore.with { test in
            let scope = EventScope(boundedContexts: ["Wanted"])
            let first = try Running(test, scope: scope)
            try await waitForOwners(test, [first.worker.id: 4])
            var others: [RecordingConsumer] = []
            let end = End()
            let wanted = try await withThrowingTaskGroup(of: Int.self) { group in
                for writer in 0..<5 {
                    group.addTask {
                        let connection = try await test.connect()
                        var count = 0
                        while !end.isReached {
                            // Open for a moment, so that the other's rows are read before they can be released.
                            try await connection.withTransaction { transaction in
                                for context in ["Wanted", "Foreign"] {
                                    _ = try await test.store.append(
                                        [.sample("writer-\(writer)-\(count % 9)", context: context)], expecting: .any,
                                        in: transaction)
                                }
                                try await transaction.query("SELECT pg_sleep(random() * 0.03)")
                            }
                            count += 1
                        }
                        await connection.close()
                        return count
                    }
                }
                defer { end.reach() }
                for _ in 0..<8 {
                    let second = try Running(test, scope: scope)
                    others.append(second.consumer)
                    try await waitForOwners(test, [first.worker.id: 2, second.worker.id: 2])
                    try await second.stop()
                    try await waitForOwners(test, [first.worker.id: 4])
                }
                end.reach()
                return try await group.reduce(0, +)
            }
            let all = { first.consumer.all + others.flatMap(\.all) }
            try await eventually("\(wanted) events never came") {
                all().count { $0.boundedContext == "Wanted" } >= wanted
            }
            try await first.stop()
            #expect(all().count { $0.boundedContext == "Foreign" } == 0)
            #expect(all().count == wanted)
        }
    }

    @Test func `workers that all start at once end with every segment owned once`() async throws {
        try await TestStore.with { test in
            let workers = try (0..<6).map { _ in try Running(test, totalSegments: 16) }
            try await waitForShares(test, [2, 2, 3, 3, 3, 3])
            try await test.appendOneEach(160)
            let all = { workers.flatMap(\.consumer.all) }
            try await eventually("160 events never came") { all().count >= 160 }
            #expect(all().map(\.globalPosition).sorted() == Array(1...160))
            for worker in workers { try await worker.stop() }
        }
    }

    @Test func `a dead worker's segments are taken over as soon as its session is gone`() async throws {
        try await TestStore.with { test in
            let first = try Running(test)
            try await waitForOwners(test, [first.worker.id: 4])
            let second = try Running(test)
            try await waitForShares(test, [2, 2])
            await first.kill()
            // The stale threshold is 3 s and the heartbeat interval 0.4 s; the segments still have their owner.
            try await waitForOwners(test, [second.worker.id: 4])
            try await second.stop()
        }
    }

    @Test func `an owner that is half gone keeps its segments until the stale threshold`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            // A worker of another session that holds its lock and has stopped beating.
            try await connection.query("SELECT pg_advisory_lock(hashtextextended('godwit worker ghost', 0))")
            try await connection.execute(
                script: """
                    INSERT INTO \(test.tables.consumerSegments.sql) (consumer_name, segment_id, total_segments, owner_id)
                        SELECT 'recorder', n, 4, 'ghost' FROM generate_series(0, 3) AS n;
                    INSERT INTO \(test.tables.consumerWorkers.sql) VALUES ('recorder', 'ghost', clock_timestamp(), true);
                    """)
            let worker = try Running(test)
            try await waitForOwners(test, [worker.worker.id: 4])
            let age = try await connection.query(
                Statement("SELECT count(*) FROM \(test.tables.consumerWorkers.sql) WHERE worker_id = 'ghost'"))
            #expect(try age.first?.decode(0, as: Int.self) == 0)
            await connection.close()
            try await worker.stop()
        }
    }

    @Test func `a worker of the Go library is given the stale threshold`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            try await connection.execute(
                script: """
                    INSERT INTO \(test.tables.consumerSegments.sql) (consumer_name, segment_id, total_segments, owner_id)
                        SELECT 'recorder', n, 4, 'go' FROM generate_series(0, 3) AS n;
                    INSERT INTO \(test.tables.consumerWorkers.sql) (consumer_name, worker_id, last_heartbeat)
                        VALUES ('recorder', 'go', clock_timestamp());
                    """)
            let start = ContinuousClock.now
            let worker = try Running(test)
            try await waitForOwners(test, [worker.worker.id: 4])
            #expect(ContinuousClock.now - start > .seconds(2.5))
            await connection.close()
            try await worker.stop()
        }
    }

    @Test func `a segment taken away is noticed, and handled no more`() async throws {
        try await TestStore.with { test in
            let worker = try Running(test)
            try await waitForOwners(test, [worker.worker.id: 4])
            let connection = try await test.connect()
            // Another owner that beats, so that nobody frees its segments.
            try await connection.query("SELECT pg_advisory_lock(hashtextextended('godwit worker thief', 0))")
            try await connection.execute(
                script: """
                    BEGIN;
                    INSERT INTO \(test.tables.consumerWorkers.sql)
                        VALUES ('recorder', 'thief', clock_timestamp() + interval '1 hour', true);
                    UPDATE \(test.tables.consumerSegments.sql) SET owner_id = 'thief', epoch = epoch + 1
                        WHERE segment_id >= 2;
                    COMMIT;
                    """)
            try await waitForOwners(test, [worker.worker.id: 2, "thief": 2])
            // The audit has noticed once the checkpoints of the rest go on alone.
            try await test.appendOneEach(100)
            let strategy = FNV1aPartitionStrategy()
            let mine = (0..<100).filter { number in
                let id = Array("aggregate-\(number)".utf8)
                return strategy.segment(of: id.span.bytes, totalSegments: 4) < 2
            }
            // Until it notices, it may be handed what it has lost; so do not just count.
            try await eventually("its own events never came") {
                Set(worker.consumer.all.map(\.aggregateID)).isSuperset(of: mine.map { "aggregate-\($0)" })
            }
            try await worker.stop()
            let checkpoints = try await test.checkpoints(of: "recorder")
            // At least behind the last event of its own; and nothing of what it lost.
            let last = try #require(mine.last).advanced(by: 1)
            #expect(checkpoints.prefix(2).allSatisfy { $0 >= last })
            #expect(checkpoints.suffix(2) == [0, 0])
            await connection.close()
        }
    }

    @Test func `a registry entry that went missing comes back, and the segments with it`() async throws {
        try await TestStore.with { test in
            let worker = try Running(test)
            try await waitForOwners(test, [worker.worker.id: 4])
            let connection = try await test.connect()
            try await connection.execute(script: "DELETE FROM \(test.tables.consumerWorkers.sql)")
            let registered = Statement(
                "SELECT count(*) FROM \(test.tables.consumerWorkers.sql) WHERE worker_id = $1")
            try await eventually("the entry never came back") {
                try await connection.query(registered, worker.worker.id).first?.decode(0, as: Int.self) == 1
            }
            try await test.appendOneEach(20)
            try await worker.consumer.wait(for: 20)
            #expect(worker.consumer.all.map(\.globalPosition) == Array(1...20))
            try await worker.stop()
            await connection.close()
        }
    }

    @Test(arguments: ["true", "segment_id = 1"])
    func `rows of segments that are gone are reported, and served once they are back`(_ which: String) async throws {
        try await TestStore.with { test in
            let worker = try Running(test)
            try await waitForOwners(test, [worker.worker.id: 4])
            let connection = try await test.connect()
            let segments = test.tables.consumerSegments.sql
            try await connection.execute(
                script: """
                    CREATE TEMP TABLE kept AS SELECT * FROM \(segments) WHERE \(which);
                    DELETE FROM \(segments) WHERE \(which)
                    """)
            let reason = Statement("SELECT reason FROM \(test.tables.consumerWorkers.sql)")
            try await eventually("it is not reported") {
                let text = try await connection.query(reason).first?.decodeIfPresent(0, as: String.self)
                return text?.contains(which == "true" ? "its rows are gone" : "rows of 1 of its 4 segments") == true
            }
            try await test.appendOneEach(20)
            try await connection.execute(script: "INSERT INTO \(segments) SELECT * FROM kept; DROP TABLE kept")
            try await waitForOwners(test, [worker.worker.id: 4])
            try await test.appendOneEach(20)
            try await worker.consumer.wait(for: 40)
            try await eventually("not all come") { Set(worker.consumer.all.map(\.globalPosition)) == Set(1...40) }
            try await eventually("it is still reported") {
                try await connection.query(reason).first?.decodeIfPresent(0, as: String.self)?.isEmpty ?? true
            }
            try await worker.stop()
            await connection.close()
        }
    }

    @Test func `a processor that wants all segments says who owns some`() async throws {
        try await TestStore.with { test in
            let worker = try Running(test)
            try await waitForOwners(test, [worker.worker.id: 4])
            let source = try test.source()
            var options = test.options
            options.runMode = .oneOff
            let error = await #expect(throws: WorkerError.self) {
                try await BasicProcessor(publishing: RecordingConsumer(), source: source, options: options).run()
            }
            #expect(error == .ownedElsewhere(consumer: "recorder", owners: [worker.worker.id]))
            await source.close()
            try await worker.stop()
        }
    }
}
