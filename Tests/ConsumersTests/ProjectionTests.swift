import EventSourcing
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Consumers

/// A read model in a table: one row per event handled. It can be made to fail at an aggregate, or to lose a deadlock.
private struct Projection: ScopedConsumer {
    struct Failure: Error {}

    var name = "projection"
    var aggregateTypes: [String] = []
    var boundedContexts: [String] = []
    let table: String
    var failsAt: String?
    var transientFailures = Counter(0)

    func failing(at aggregate: String) -> Projection {
        var copy = self
        copy.failsAt = aggregate
        return copy
    }

    final class Counter: Sendable {
        private let left: Mutex<Int>
        init(_ left: Int) { self.left = Mutex(left) }
        func takeOne() -> Bool {
            left.withLock { left in
                defer { left = max(0, left - 1) }
                return left > 0
            }
        }
    }

    func handle(_ event: PersistedEvent, in transaction: Transaction) async throws {
        try await transaction.query(
            Statement("INSERT INTO \(table) VALUES ($1, $2, $3)"), event.globalPosition, event.aggregateID, name)
        if event.aggregateID == failsAt { throw Failure() }
        if transientFailures.takeOne() {
            try await transaction.query("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40P01'; END $$")
        }
    }
}

@Suite struct ProjectionTests {
    private func with(_ body: (TestStore, EventSource, Projection) async throws -> Void) async throws {
        try await TestStore.with { test in
            let table = "\"\(test.tables.events.schema)\".read_model"
            let connection = try await test.connect()
            try await connection.execute(
                script: "CREATE TABLE \(table) (position bigint, aggregate text, consumer text)")
            await connection.close()
            let source = try test.source()
            try await body(test, source, Projection(table: table))
            await source.close()
        }
    }

    private func oneOff(
        _ test: TestStore, _ source: EventSource, _ consumer: some Consumer, totalSegments: Int = 4,
        batchSize: Int = 500
    ) async throws {
        var options = test.options
        options.runMode = .oneOff
        options.totalSegments = totalSegments
        options.batchSize = batchSize
        try await BasicProcessor(consumer, source: source, options: options).run()
    }

    private func positions(_ test: TestStore, _ projection: Projection) async throws -> [Int64] {
        let connection = try await test.connect()
        let rows = try await connection.query(
            Statement("SELECT position FROM \(projection.table) WHERE consumer = $1 ORDER BY position"),
            projection.name)
        let positions: [Int64] = try rows.map { try $0.decode(0) }
        await connection.close()
        return positions
    }

    @Test(arguments: [(0, 1, 500), (7, 1, 500), (1000, 1, 500), (321, 16, 100)])
    func `one-off handles what is there, once, and returns`(events: Int, segments: Int, batchSize: Int) async throws {
        try await with { test, source, projection in
            try await test.appendOneEach(events)
            try await oneOff(test, source, projection, totalSegments: segments, batchSize: batchSize)
            var positions = try await positions(test, projection)
            #expect(positions == (0..<events).map { Int64($0 + 1) })
            let checkpoints = try await test.checkpoints(of: "projection")
            #expect(checkpoints == Array(repeating: Int64(events), count: segments))
            // A second run goes on where the first ended.
            try await test.appendOneEach(5)
            try await oneOff(test, source, projection, totalSegments: segments, batchSize: batchSize)
            positions = try await self.positions(test, projection)
            #expect(positions == (0..<(events + 5)).map { Int64($0 + 1) })
        }
    }

    @Test func `in a one-off run a handler's error names the event, once everything before it is done`() async throws {
        try await with { test, source, projection in
            try await test.appendOneEach(50)
            let failing = projection.failing(at: "aggregate-20")
            let error = await #expect(throws: ConsumerFailure.self) {
                try await oneOff(test, source, failing, totalSegments: 1, batchSize: 8)
            }
            #expect(error?.position == 21)
            #expect(error?.segment == 0)
            #expect(error?.description.contains("UserRegistered") == true)
            // Batches of 8: of the one with position 21, those before it are done.
            var handled = try await positions(test, projection)
            #expect(handled == Array(1...20))
            let checkpoints = try await test.checkpoints(of: "projection")
            #expect(checkpoints == [20])
            try await oneOff(test, source, projection, totalSegments: 1)
            handled = try await positions(test, projection)
            #expect(handled == Array(1...50))
        }
    }

    @Test func `a deadlock is tried again with the whole batch`() async throws {
        try await with { test, source, projection in
            try await test.appendOneEach(20)
            var unlucky = projection
            unlucky.transientFailures = Projection.Counter(3)
            try await oneOff(test, source, unlucky)
            let handled = try await positions(test, projection)
            #expect(handled == Array(1...20))
        }
    }

    @Test func `a continuous worker handles what comes, and a lost session makes it handle nothing twice`() async throws
    {
        try await with { test, source, projection in
            let worker = try Worker(source, consumers: [projection], options: test.options)
            try await test.running(worker, source) {
                for round in 1...3 {
                    try await test.appendOneEach(30)
                    try await eventually("the events were never handled") {
                        try await positions(test, projection).count == round * 30
                    }
                    let connection = try await Connection.open(ConnectionConfiguration(test.url))
                    try await connection.query(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
                        "test \(test.tables.godwitSchema)")
                    await connection.close()
                }
            }
            let handled = try await positions(test, projection)
            #expect(handled == Array(1...90))
        }
    }

    @Test func `consumers have their own scopes and their own checkpoints`() async throws {
        try await with { test, source, projection in
            let connection = try await test.connect()
            for (context, type) in [("A", "x"), ("A", "y"), ("B", "x"), ("B", "z")] {
                _ = try await test.append([.sample("1", context: context, aggregateType: type)], on: connection)
            }
            await connection.close()
            let scopes: [(String, [String], [String], [Int64])] = [
                ("none", [], [], [1, 2, 3, 4]), ("type", ["x"], [], [1, 3]), ("context", [], ["B"], [3, 4]),
                ("both", ["x", "y"], ["B"], [3]),
            ]
            var options = test.options
            options.runMode = .oneOff
            let consumers = scopes.map { name, types, contexts, _ in
                var consumer = projection
                consumer.name = name
                consumer.aggregateTypes = types
                consumer.boundedContexts = contexts
                return consumer
            }
            try await Worker(source, consumers: consumers, options: options).run()
            for (consumer, scope) in zip(consumers, scopes) {
                let handled = try await positions(test, consumer)
                #expect(handled == scope.3, "\(scope.0)")
                let checkpoints = try await test.checkpoints(of: scope.0)
                #expect(checkpoints == [4, 4, 4, 4])
            }
        }
    }

    @Test func `a one-off run of several consumers does everything else, then throws one's error`() async throws {
        try await with { test, source, projection in
            try await test.appendOneEach(10)
            var failing = projection
            failing.name = "failing"
            failing.failsAt = "aggregate-3"
            var options = test.options
            options.runMode = .oneOff
            let worker = try Worker(source, consumers: [failing, projection], options: options)
            let error = await #expect(throws: ConsumerFailure.self) { try await worker.run() }
            #expect(error?.consumer == "failing" && error?.position == 4)
            #expect(try await positions(test, projection) == Array(1...10))
            let connection = try await test.connect()
            let owned = try await connection.query(
                Statement("SELECT count(*) FROM \(test.tables.consumerSegments.sql) WHERE owner_id IS NOT NULL"))
            let registered = try await connection.query(
                Statement("SELECT count(*) FROM \(test.tables.consumerWorkers.sql)"))
            #expect(try owned.first?.decode(0, as: Int.self) == 0)
            #expect(try registered.first?.decode(0, as: Int.self) == 0)
            await connection.close()
        }
    }

    @Test(arguments: [StartPosition.beginning, .now, .after(4)])
    func `a new consumer begins where it is told, and later starts do not change that`(start: StartPosition)
        async throws
    {
        try await with { test, source, projection in
            try await test.appendOneEach(10)
            var options = test.options
            options.runMode = .oneOff
            options.startPosition = start
            try await BasicProcessor(projection, source: source, options: options).run()
            try await test.appendOneEach(2)
            options.startPosition = .beginning
            try await BasicProcessor(projection, source: source, options: options).run()
            let first: Int64 =
                switch start {
                case .beginning: 1
                case .now: 11
                case .after(let position): position + 1
                }
            let handled = try await positions(test, projection)
            #expect(handled == Array(first...12))
        }
    }

    @Test func `two consumers of one name are refused`() async throws {
        try await with { test, source, projection in
            #expect(throws: WorkerError.duplicateName("projection")) {
                try Worker(source, consumers: [projection, projection], options: test.options)
            }
        }
    }
}
