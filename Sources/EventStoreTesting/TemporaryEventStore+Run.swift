public import Consumers
import Postgres

extension TemporaryEventStore {
    /// Runs a consumer until it has handled everything that was committed before, and accounts for it. Further runs go on
    /// where this one ended.
    ///
    /// - Parameter options: as for a `Worker`; the run is a one-off one whatever they say.
    /// - Throws: `ConsumerFailure` if the consumer could not handle an event; see ``attempt(_:options:)``.
    @discardableResult
    public func run(
        _ consumer: some Consumer, options: WorkerOptions = WorkerOptions()
    ) async throws -> ConsumerAccount {
        let account = try await attempt(consumer, options: options)
        if let failure = account.failure { throw failure }
        return account
    }

    /// Runs a consumer that carries events out of the database, as ``run(_:options:)``.
    ///
    /// - Throws: `ConsumerFailure` if the consumer threw, `PublicationHalted` if it halted segments.
    @discardableResult
    public func run(
        publishing consumer: some IntegrationConsumer, options: WorkerOptions = WorkerOptions()
    ) async throws -> ConsumerAccount {
        let account = try await attempt(publishing: consumer, options: options)
        if let failure = account.failure { throw failure }
        return account
    }

    /// Runs a consumer that may fail at an event: what it could do all the same, and its failure, are in the account.
    public func attempt(
        _ consumer: some Consumer, options: WorkerOptions = WorkerOptions()
    ) async throws -> ConsumerAccount {
        try await account(of: consumer.name, options) { source, options, recorder in
            if let batched = consumer as? any BatchConsumer {
                return try batchProcessor(batched, source, options, recorder)
            }
            return try BasicProcessor(
                RecordedConsumer(base: consumer, recorder: recorder), source: source, options: options)
        }
    }

    /// Runs a consumer that carries events out of the database and may fail at an event, as ``attempt(_:options:)``.
    public func attempt(
        publishing consumer: some IntegrationConsumer, options: WorkerOptions = WorkerOptions()
    ) async throws -> ConsumerAccount {
        try await account(of: consumer.name, options) { source, options, recorder in
            try BasicProcessor(
                publishing: RecordedIntegration(base: consumer, recorder: recorder), source: source, options: options)
        }
    }

    private func batchProcessor(
        _ consumer: some BatchConsumer, _ source: EventSource, _ options: WorkerOptions, _ recorder: Recorder
    ) throws -> BasicProcessor {
        try BasicProcessor(
            RecordedBatchConsumer(base: consumer, recorder: recorder), source: source, options: options)
    }

    private func account(
        of consumer: String, _ options: WorkerOptions,
        _ processor: (EventSource, WorkerOptions, Recorder) throws -> BasicProcessor
    ) async throws -> ConsumerAccount {
        var options = options
        options.runMode = .oneOff
        options.logger = .silent
        let recorder = Recorder(options, consumer: consumer)
        let source = try source()
        var failure: (any Error)?
        do {
            try await processor(source, options, recorder).run()
        } catch {
            await source.close()
            guard error is ConsumerFailure || error is PublicationHalted else { throw error }
            failure = error
        }
        await source.close()
        let checkpoints = try await checkpoints(of: consumer)
        let attempts = recorder.all
        return ConsumerAccount(
            events: attempts.committed(through: checkpoints), attempts: attempts.events.count,
            checkpoints: checkpoints, failure: failure)
    }

    /// Up to where a consumer has done everything, by segment; empty before its first run.
    public func checkpoints(of consumer: String) async throws -> [Int: Int64] {
        try await withConnection { connection in
            try await connection.query(SegmentsTable(tables).checkpoints(consumer)).reduce(into: [:]) {
                let segment: Int = try $1.decode(0)
                $0[segment] = try $1.decode(1)
            }
        }
    }
}
