import EventSourcing
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Consumers

/// Inserts a batch by one statement; of one context only, and never together with a poisoned event.
private final class BatchRows: BatchConsumer, ScopedConsumer {
    struct Poison: Error {}

    let name = "rows"
    let boundedContexts = ["Wanted"]
    let aggregateTypes: [String] = []
    let table: String
    private let poisoned: Mutex<Int64?>
    private let batches = Mutex<[[Int64]]>([])

    init(table: String, poisoned: Int64? = nil) {
        self.table = table
        self.poisoned = Mutex(poisoned)
    }

    func fix() { poisoned.withLock { $0 = nil } }

    /// What was handed over together.
    var handed: [[Int64]] { batches.withLock { $0 } }

    func handle(_ events: [PersistedEvent], in transaction: Transaction) async throws {
        let positions = events.map(\.globalPosition)
        batches.withLock { $0.append(positions) }
        try await transaction.query(Statement("INSERT INTO \(table) SELECT * FROM unnest($1)"), positions)
        if let poison = poisoned.withLock({ $0 }), positions.contains(poison) { throw Poison() }
    }
}

@Suite struct BatchConsumerTests {
    private func with(
        poisoned: Int64? = nil, _ body: (TestStore, EventSource, BatchRows) async throws -> Void
    ) async throws {
        try await TestStore.with { test in
            let table = "\"\(test.tables.events.schema)\".batch_rows"
            let connection = try await test.connect()
            try await connection.execute(script: "CREATE TABLE \(table) (position bigint PRIMARY KEY)")
            // Every third event is of another context.
            for number in 1...90 {
                let event = Event.sample(
                    "aggregate-\(number)", context: number.isMultiple(of: 3) ? "Other" : "Wanted")
                _ = try await test.append([event], on: connection)
            }
            await connection.close()
            let source = try test.source()
            try await body(test, source, BatchRows(table: table, poisoned: poisoned))
            await source.close()
        }
    }

    private func rows(_ test: TestStore, _ consumer: BatchRows) async throws -> [Int64] {
        let connection = try await test.connect()
        let rows = try await connection.query(Statement("SELECT position FROM \(consumer.table) ORDER BY 1"))
        await connection.close()
        return try rows.map { try $0.decode(0) }
    }

    private func segment(_ position: Int64) -> Int {
        let id = Array("aggregate-\(position)".utf8)
        return FNV1aPartitionStrategy().segment(of: id.span.bytes, totalSegments: 4)
    }

    private let wanted = (1...Int64(90)).filter { !$0.isMultiple(of: 3) }

    @Test func `a batch is of one segment, in order, and of the scope`() async throws {
        try await with { test, source, consumer in
            var options = test.options
            options.runMode = .oneOff
            try await BasicProcessor(consumer, source: source, options: options).run()
            #expect(try await rows(test, consumer) == wanted)
            #expect(try await test.checkpoints(of: "rows") == [90, 90, 90, 90])
            #expect(consumer.handed.flatMap(\.self).sorted() == wanted)
            #expect(consumer.handed.count < wanted.count / 2, "events come one by one")
            for batch in consumer.handed {
                #expect(batch == batch.sorted() && Set(batch.map(segment)).count == 1)
            }
        }
    }

    @Test func `a poisoned event halts its segment alone, by name, until it is fixed`() async throws {
        let poison = wanted[wanted.count / 2]
        try await with(poisoned: poison) { test, source, consumer in
            var options = test.options
            options.haltRetryInterval = .milliseconds(200)
            let worker = try Worker(source, consumers: [consumer], options: options)
            let before = wanted.filter { segment($0) != segment(poison) || $0 < poison }
            try await test.running(worker, source) {
                try await eventually("the others stand still") { try await rows(test, consumer) == before }
                try await eventually("nothing halts") {
                    await worker.snapshot().consumers[0].own.halts.map(\.position) == [poison]
                }
                // The event that is in the way was tried by itself.
                #expect(consumer.handed.contains([poison]))
                try await eventually("the checkpoint does not follow") {
                    try await test.checkpoints(of: "rows")[segment(poison)] == poison - 1
                }
                consumer.fix()
                try await eventually("it does not go on") { try await rows(test, consumer) == wanted }
            }
            #expect(try await test.checkpoints(of: "rows") == [90, 90, 90, 90])
        }
    }
}
