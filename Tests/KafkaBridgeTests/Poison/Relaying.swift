import Consumers
import KafkaBridge
import Logging
import Postgres
import Synchronization
import TestSupport

/// A worker with a publisher, at work.
final class Relaying: Sendable {
    let publisher: KafkaPublisher
    let worker: Worker
    let source: EventSource
    private let pool: ConnectionPool
    private let task: Task<Void, any Error>
    private let isEnded = Atomic(false)

    init(
        _ place: PoisonFixture, _ policy: PoisonPolicy, _ change: (inout KafkaPublisherOptions) -> Void,
        _ changeWorker: (inout WorkerOptions) -> Void, logger: Logger
    ) throws {
        source = EventSource(try place.test.configuration, tables: place.test.tables, logger: quiet)
        pool = ConnectionPool(try place.test.configuration, size: 1, logger: quiet)
        var options = try place.options
        options.onPoison = policy
        options.deadLetters = DeadLetterStore(pool, tables: place.test.tables)
        change(&options)
        publisher = KafkaPublisher(options, logger: logger)
        var settings = WorkerOptions()
        settings.totalSegments = 2
        settings.heartbeatInterval = .seconds(1)
        settings.staleThreshold = .seconds(3)
        settings.rebalanceInterval = .milliseconds(500)
        settings.dispatcherPollInterval = .milliseconds(10)
        settings.haltRetryInterval = .seconds(3600)
        settings.logger = quiet
        changeWorker(&settings)
        let worker = try Worker(source, integrations: [publisher], options: settings)
        self.worker = worker
        // A bare task, because what is tested goes on beside it; stopped or killed by every test.
        task = Task { try await worker.run() }
    }

    /// Nothing, if it was stopped or killed before.
    func stop() async throws {
        if isEnded.exchange(true, ordering: .relaxed) { return }
        worker.stop()
        try await task.value
        await close()
    }

    /// Lets go at once, as a process that is killed.
    func kill() async {
        if isEnded.exchange(true, ordering: .relaxed) { return }
        task.cancel()
        _ = try? await task.value
        await close()
    }

    private func close() async {
        await publisher.close()
        await pool.close()
        await source.close()
    }
}
