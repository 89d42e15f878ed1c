import EventSourcing
import LocalPostgres
import Logging
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Consumers

/// A server that crashes may forget its last commits and gives their positions to other events. A reader that remembers what
/// it read before must not take the new ones for the old.
@Suite struct LostCommitsTests {
    /// Keeps the aggregates that were handled, in memory, so that a crash of the server takes none of them back.
    private final class Handled: Consumer {
        let name = "handled"
        private let aggregates = Mutex<[String]>([])
        var all: [String] { aggregates.withLock { $0 } }

        func handle(_ event: PersistedEvent, in transaction: Transaction) async throws {
            aggregates.withLock { $0.append(event.aggregateID) }
        }
    }

    /// A cluster that writes its log ahead every ten seconds only.
    private func withForgetfulServer(
        _ worker: (EventSource, WorkerOptions) throws -> Worker, _ body: (LocalPostgres) async throws -> Void
    ) async throws {
        var options = LocalPostgres.Options()
        options.settings = ["synchronous_commit": "off", "wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"]
        let cluster = try await LocalPostgres.start(options)
        do {
            let connection = try await Connection.open(ConnectionConfiguration(cluster.url))
            _ = try await Schema().migrate(on: connection)
            await connection.close()
            let source = EventSource(try ConnectionConfiguration(cluster.url), logger: .silent)
            var workerOptions = WorkerOptions()
            workerOptions.dispatcherPollInterval = .milliseconds(10)
            workerOptions.horizonInterval = .milliseconds(20)
            workerOptions.logger = .silent
            let worker = try worker(source, workerOptions)
            let running = Task { try await worker.run() }
            do {
                try await body(cluster)
            } catch {
                running.cancel()
                _ = try? await running.value
                throw error
            }
            worker.stop()
            try await running.value
            await source.close()
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    private func append(_ aggregate: String, to cluster: LocalPostgres, rollingBack: Bool = false) async throws -> Int64
    {
        struct RolledBack: Error {}
        let position = Mutex<Int64>(0)
        let connection = try await Connection.open(ConnectionConfiguration(cluster.url))
        do {
            try await connection.withTransaction { transaction in
                let result = try await EventStore().append([.sample(aggregate)], expecting: .any, in: transaction)
                position.withLock { $0 = result.positions[0] }
                if rollingBack { throw RolledBack() }
            }
        } catch is RolledBack {}
        await connection.close()
        return position.withLock { $0 }
    }

    /// Crashes the server with an event in its memory only, until another event gets its position.
    private func crashUntilReused(
        _ cluster: LocalPostgres, rollingBack: Bool, seen: (_ aggregate: String, _ position: Int64) async throws -> Void
    ) async throws -> String {
        // So that the crash takes back the checkpoint, but not the claim.
        try await seen("first", try await append("first", to: cluster))
        for attempt in 1...10 {
            let connection = try await Connection.open(ConnectionConfiguration(cluster.url))
            try await connection.execute(script: "CHECKPOINT")
            await connection.close()
            let lost = try await append("lost-\(attempt)", to: cluster, rollingBack: rollingBack)
            try await seen("lost-\(attempt)", lost)
            try await cluster.restart(.immediate)
            let kept = try await append("kept-\(attempt)", to: cluster)
            if kept == lost { return "kept-\(attempt)" }
        }
        throw NotReused()
    }

    private struct NotReused: Error {}

    @Test(.timeLimit(.minutes(5)))
    func `an event at the position of one that the server forgot is published`() async throws {
        let consumer = RecordingConsumer()
        try await withForgetfulServer {
            try Worker($0, integrations: [consumer], options: $1)
        } _: { cluster in
            let kept = try await crashUntilReused(cluster, rollingBack: false) { aggregate, _ in
                try await eventually("not seen before the crash") {
                    consumer.all.contains { $0.aggregateID == aggregate }
                }
            }
            try await eventually("\(consumer.all.map(\.aggregateID))") {
                consumer.all.contains { $0.aggregateID == kept }
            }
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `an event at the position of one that the server forgot is handled`() async throws {
        let consumer = Handled()
        try await withForgetfulServer {
            try Worker($0, consumers: [consumer], options: $1)
        } _: { cluster in
            let kept = try await crashUntilReused(cluster, rollingBack: false) { aggregate, _ in
                try await eventually("not seen before the crash") { consumer.all.contains(aggregate) }
            }
            try await eventually("\(consumer.all)") { consumer.all.contains(kept) }
        }
    }

    /// Sets events aside in a table, as one that parks.
    private final class Recording: EndingConsumer {
        let recorder = RecordingConsumer()
        var name: String { recorder.name }
        var scope: EventScope { recorder.scope }
        let condition = ConsumerCondition.flowing
        let lastRecorded: BoundStatement? = BoundStatement(Statement("SELECT EXISTS (SELECT FROM aside)"))

        func run(
            _ retry: @escaping @Sendable (Set<Int>) -> Void, rejoin: @escaping @Sendable () -> Void,
            admit: @escaping @Sendable (Int) async throws -> Int?
        ) async throws {}

        func publish(_ batch: FeedBatch) async throws -> Publication { try await recorder.publish(batch) }
        func willRelease(_ segments: Set<Int>) async {}
        func wroteCheckpoints(_ checkpoints: [Int: Int64]) async {}
    }

    @Test(.timeLimit(.minutes(5)), arguments: [true, false])
    func `behind what was recorded and lost the events come again from the checkpoints`(_ isLost: Bool) async throws {
        let consumer = Recording()
        try await withForgetfulServer {
            try Worker($0, integrations: [consumer], options: $1)
        } _: { cluster in
            let connection = try await Connection.open(ConnectionConfiguration(cluster.url))
            try await connection.execute(script: "CREATE TABLE aside AS SELECT 1; SET synchronous_commit TO on")
            _ = try await append("aside", to: cluster)
            try await consumer.recorder.wait(for: 1)
            let checkpoints = Statement("SELECT max(checkpoint) FROM consumer_segments")
            try await eventually("no checkpoint is written") {
                try await connection.query(checkpoints).first?.decode(0, as: Int64.self) ?? 0 > 0
            }
            // As a server that has lost the row, and the checkpoint behind it.
            try await connection.execute(
                script: "UPDATE consumer_segments SET checkpoint = 0; \(isLost ? "TRUNCATE aside" : "")")
            await connection.close()
            try await cluster.restart(.immediate)
            _ = try await append("after", to: cluster)
            try await eventually("\(consumer.recorder.all.map(\.aggregateID))") {
                consumer.recorder.all.contains { $0.aggregateID == "after" }
            }
            let again = consumer.recorder.all.count { $0.aggregateID == "aside" }
            #expect(again == (isLost ? 2 : 1))
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `an event at a position that was drawn and rolled back before the crash is published`() async throws {
        let consumer = RecordingConsumer()
        let worker = Mutex<Worker?>(nil)
        try await withForgetfulServer { source, options in
            let made = try Worker(source, integrations: [consumer], options: options)
            worker.withLock { $0 = made }
            return made
        } _: { cluster in
            let kept = try await crashUntilReused(cluster, rollingBack: true) { _, position in
                try await eventually("not seen before the crash") {
                    let loop = worker.withLock { $0?.runners.first }
                    return loop?.state.withLedger { $0.positions.values.allSatisfy { $0 >= position } } == true
                }
            }
            try await eventually("\(consumer.all.map(\.aggregateID))") {
                consumer.all.contains { $0.aggregateID == kept }
            }
        }
    }
}
