import EventSourcing
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Consumers

/// Inserts a row per event into a table, and throws at the events of some aggregates until it is fixed.
private final class Fragile: Consumer {
    struct Poison: Error {}

    let name: String
    let table: String
    /// How the failure comes about.
    enum Failure: Sendable {
        /// `handle` throws.
        case throwing
        /// `handle` hides that a statement failed, so that the transaction is lost.
        case hidden
        /// The commit fails, by a deferred constraint.
        case deferred
    }
    private let failure: Failure
    private let poisoned = Mutex<Set<String>>([])
    private let calls = Mutex<[String: Int]>([:])

    init(_ name: String = "fragile", table: String, poisoned: Set<String> = [], failure: Failure = .throwing) {
        self.name = name
        self.table = table
        self.failure = failure
        self.poisoned.withLock { $0 = poisoned }
    }

    func fix() { poisoned.withLock { $0 = [] } }

    /// How often the aggregate's event was handed over.
    func calls(of aggregate: String) -> Int { calls.withLock { $0[aggregate] ?? 0 } }

    func handle(_ event: PersistedEvent, in transaction: Transaction) async throws {
        calls.withLock { $0[event.aggregateID, default: 0] += 1 }
        try await transaction.query(
            Statement("INSERT INTO \(table) VALUES ($1, $2, $3)"), event.globalPosition, event.aggregateID, name)
        guard poisoned.withLock({ $0.contains(event.aggregateID) }) else { return }
        switch failure {
        case .throwing: throw Poison()
        case .hidden: _ = try? await transaction.query("SELECT 1 / 0")
        case .deferred:
            try await transaction.query(Statement("INSERT INTO \(table)_once VALUES (1), (1)"))
        }
    }
}

@Suite struct FailingHandlerTests {
    private func with(_ body: (TestStore, EventSource, String) async throws -> Void) async throws {
        try await TestStore.with { test in
            let table = "\"\(test.tables.events.schema)\".read_model"
            let once = "\"\(test.tables.events.schema)\".read_model_once"
            let connection = try await test.connect()
            try await connection.execute(
                script: """
                    CREATE TABLE \(table) (position bigint, aggregate text, consumer text);
                    CREATE TABLE \(once) (number integer UNIQUE DEFERRABLE INITIALLY DEFERRED)
                    """)
            await connection.close()
            let source = try test.source()
            let plain = "\"\(test.tables.events.schema)\".read_model"
            try await body(test, source, plain)
            await source.close()
        }
    }

    private func positions(_ test: TestStore, _ table: String, _ consumer: String) async throws -> [Int64] {
        let connection = try await test.connect()
        let rows = try await connection.query(
            Statement("SELECT position FROM \(table) WHERE consumer = $1 ORDER BY position"), consumer)
        let positions: [Int64] = try rows.map { try $0.decode(0) }
        await connection.close()
        return positions
    }

    private func segment(_ aggregate: String) -> Int {
        let id = Array(aggregate.utf8)
        return FNV1aPartitionStrategy().segment(of: id.span.bytes, totalSegments: 4)
    }

    private func halts(_ worker: Worker, _ consumer: String) async -> [SegmentHalt] {
        await worker.snapshot().consumers.first { $0.name == consumer }?.own.halts ?? []
    }

    @Test func `a handler that throws halts its segment with a reason, and everything else goes on`() async throws {
        try await with { test, source, table in
            try await test.appendOneEach(20)
            let fragile = Fragile(table: "\(table)", poisoned: ["aggregate-12"])
            let healthy = Fragile("healthy", table: table)
            var options = test.options
            options.haltRetryInterval = .seconds(3600)
            let worker = try Worker(source, consumers: [fragile, healthy], options: options)
            let halted = segment("aggregate-12")
            let others = (1...Int64(20)).filter { segment("aggregate-\($0 - 1)") != halted || $0 < 13 }
            try await test.running(worker, source) {
                try await eventually("the other segments stand still") {
                    try await positions(test, table, "fragile") == others
                }
                // What comes later is handled in the other segments, and by the other consumer.
                try await test.appendOneEach(20)
                try await eventually("the other consumer does not move") {
                    try await positions(test, table, "healthy") == Array(1...40)
                }
                let later = (21...Int64(40)).filter { segment("aggregate-\($0 - 21)") != halted }
                try await eventually("the other segments do not go on") {
                    try await positions(test, table, "fragile") == others + later
                }
                try await eventually("nothing halts") { await halts(worker, "fragile").count == 1 }
                let halt = try #require(await halts(worker, "fragile").first)
                #expect(halt.segment == halted && halt.position == 13)
                #expect(halt.reason.contains("Poison") && halt.reason.contains("UserRegistered"), "\(halt.reason)")
                #expect(await halts(worker, "healthy").isEmpty)
                // Other processes and `status` learn of it from the heartbeat.
                try await eventually("the condition does not show") {
                    let connection = try await test.connect()
                    let status = try await StatusReader(test.tables, scopes: [:], backlogLimit: 100)
                        .read(on: connection)
                    await connection.close()
                    let worker = status.consumers.first { $0.name == "fragile" }?.workers.first
                    guard case .halted(let reason) = worker?.condition else { return false }
                    return reason.contains("position 13") && reason.contains("Poison")
                }
            }
            #expect(try await test.checkpoints(of: "fragile")[halted] == 12)
        }
    }

    @Test func `it is tried again with growing waits, and goes on by itself once fixed`() async throws {
        try await with { test, source, table in
            try await test.appendOneEach(20)
            let fragile = Fragile(table: table, poisoned: ["aggregate-12"])
            var options = test.options
            options.haltRetryInterval = .milliseconds(50)
            let worker = try Worker(source, consumers: [fragile], options: options)
            try await test.running(worker, source) {
                try await eventually("it is not tried again") { fragile.calls(of: "aggregate-12") >= 4 }
                fragile.fix()
                try await eventually("it does not go on") {
                    try await positions(test, table, "fragile") == Array(1...20)
                }
                try await eventually("the halt still shows") { await halts(worker, "fragile").isEmpty }
                try await test.appendOneEach(4)
                try await eventually("it does not go on") {
                    try await positions(test, table, "fragile") == Array(1...24)
                }
            }
            #expect(try await test.checkpoints(of: "fragile") == [24, 24, 24, 24])
        }
    }

    @Test(arguments: [Fragile.Failure.hidden, .deferred])
    fileprivate func `a failure that shows only at the commit names its event too`(failure: Fragile.Failure)
        async throws
    {
        try await with { test, source, table in
            try await test.appendOneEach(20)
            let schema = test.tables.events.schema
            // Unquoted, so that the consumer can make the other table's name of it.
            let fragile = Fragile(table: "\(schema).read_model", poisoned: ["aggregate-12"], failure: failure)
            var options = test.options
            options.totalSegments = 1
            options.haltRetryInterval = .seconds(3600)
            let worker = try Worker(source, consumers: [fragile], options: options)
            try await test.running(worker, source) {
                try await eventually("nothing halts") { await halts(worker, "fragile").count == 1 }
                #expect(await halts(worker, "fragile").first?.position == 13)
            }
            #expect(try await positions(test, table, "fragile") == Array(1...12))
            #expect(try await test.checkpoints(of: "fragile") == [12])
        }
    }
}
