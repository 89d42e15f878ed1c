public import ServiceLifecycle

/// Serves one consumer, all its segments, in one process: the simplest way to run a projection or a catch-up job.
///
/// In one-off mode it handles what was committed before the start and returns, so that tests, catch-up jobs, backfills
/// and replays are deterministic. A graceful shutdown stops it as ``stop()`` does.
public struct BasicProcessor: Service {
    private let worker: Worker

    /// A processor for a consumer that works inside the database.
    ///
    /// - Throws: ``InvalidWorkerOption``.
    public init(
        _ consumer: some Consumer, source: EventSource, options: WorkerOptions = WorkerOptions()
    ) throws {
        worker = try Worker(source, [consumer], [], options: options, isSole: true)
    }

    /// A processor for a consumer that carries events out of the database.
    ///
    /// - Throws: ``InvalidWorkerOption``.
    public init(
        publishing consumer: some IntegrationConsumer, source: EventSource, options: WorkerOptions = WorkerOptions()
    ) throws {
        worker = try Worker(source, [], [consumer], options: options, isSole: true)
    }

    /// Works until stopped, or, in one-off mode, until everything that was committed before is handled.
    ///
    /// - Throws: as ``Worker/run()``; ``WorkerError/ownedElsewhere(consumer:owners:)`` if workers that are alive own
    ///   some of the segments.
    public func run() async throws {
        try await worker.run()
    }

    /// How many events were handled so far.
    package var doneCount: Int { worker.runners.reduce(0) { $0 + $1.state.doneCount } }

    /// Finishes what is under way and ends ``run()``.
    public func stop() {
        worker.stop()
    }
}
