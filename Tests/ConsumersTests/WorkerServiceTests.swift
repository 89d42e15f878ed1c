import EventSourcing
import Logging
import Postgres
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import Consumers

/// Holds its first event until it is let go.
private final class Slow: Consumer {
    let name = "slow"
    let table: String
    let gate = Gate()
    let hasBegun = Mutex(false)

    init(table: String) { self.table = table }

    func handle(_ event: PersistedEvent, in transaction: Transaction) async throws {
        hasBegun.withLock { $0 = true }
        try await gate.wait()
        try await transaction.query(Statement("INSERT INTO \(table) VALUES ($1)"), event.globalPosition)
    }
}

@Suite struct WorkerServiceTests {
    @Test func `a graceful shutdown finishes what is under way, commits it and releases the segments`() async throws {
        try await TestStore.with { test in
            let table = "\"\(test.tables.events.schema)\".slow"
            let connection = try await test.connect()
            try await connection.execute(script: "CREATE TABLE \(table) (position bigint)")
            _ = try await test.append([.sample()], on: connection)
            let consumer = Slow(table: table)
            let source = try test.source()
            let worker = try Worker(source, consumers: [consumer], options: test.options)
            let group = ServiceGroup(services: [worker], logger: .silent)
            let running = Task { try await group.run() }
            try await eventually("nothing is handed over") { consumer.hasBegun.withLock { $0 } }
            await group.triggerGracefulShutdown()
            try await eventually("the worker does not stop") { await worker.snapshot().isStopping }
            #expect(try await connection.query(Statement("SELECT FROM \(table)")).isEmpty)
            consumer.gate.open()
            try await deadline { try await running.value }
            #expect(try await connection.query(Statement("SELECT FROM \(table)")).count == 1)
            #expect(try await test.checkpoints(of: "slow").contains(1))
            let owned = try await connection.query(
                Statement("SELECT FROM \(test.tables.consumerSegments.sql) WHERE owner_id IS NOT NULL"))
            #expect(owned.isEmpty)
            await connection.close()
            await source.close()
        }
    }
}
