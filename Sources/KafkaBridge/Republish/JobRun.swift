package import Consumers
package import EventSourcing
import Kafka
package import Logging
package import Postgres
import Synchronization

/// Runs one job, from its checkpoint to its end or until it is told to stop.
///
/// One task reads, publishes and waits for the acknowledgements in order; another writes the checkpoint, which is what
/// was acknowledged without a gap, and finds out whether the job was cancelled.
package final class JobRun: Sendable {
    package enum Outcome: Sendable, Equatable { case done, stopped }

    package struct Options: Sendable {
        /// Events of one read and of one batch.
        package var batchSize = 500
        /// Bytes of events that may be under way.
        package var bytesInFlight = 8 << 20
        /// Larger payloads stay in the database, since no topic can take them.
        package var largestPayload = Int.max
        /// How long to wait, when told to stop, for what is under way.
        package var drainTimeout: Duration = .seconds(20)
        /// How often the checkpoint is written at most: what was published since is doubled by a kill.
        package var saveInterval: Duration = .milliseconds(50)
        /// How often to look, while the checkpoint does not move, whether the job was cancelled.
        package var lookInterval: Duration = .milliseconds(500)
        /// What the job gives way to; `nil` where it does not.
        package var courtesy: (@Sendable () -> LiveFlow.Load)?

        package init() {}
    }

    /// Batches that may be under way at once.
    static let depth = 4

    private struct State {
        var checkpoint: Int64 = 0
        var published: Int64 = 0
        var publishedNow: Int64 = 0
        var isHeld = true
        var note = ""
    }

    private let name: String
    private let configuration: ConnectionConfiguration
    private let tables: TableNames
    private let publisher: any IntegrationConsumer
    private let options: Options
    private let lease: JobLease
    private let logger: Logger
    private let state = Mutex(State())
    private let stopping = WakeSignal()

    /// - Parameters:
    ///   - lease: of the job; it may hold the job already.
    ///   - publisher: nobody else's; what it publishes carries the job's headers.
    package init(
        _ name: String, lease: JobLease, configuration: ConnectionConfiguration, tables: TableNames,
        publisher: any IntegrationConsumer, options: Options = Options(), logger: Logger
    ) {
        self.name = name
        self.lease = lease
        self.configuration = configuration
        self.tables = tables
        self.publisher = publisher
        self.options = options
        var logger = logger
        logger[metadataKey: "job"] = "\(name)"
        self.logger = logger
    }

    /// Reads nothing more, waits for what is under way, and saves.
    package func stop() { stopping.close() }

    /// - Parameter observe: told now and then how far it has come.
    /// - Throws: ``JobError``, `PublicationHalted`, or what waiting does not fix. What was acknowledged is saved.
    package func run(observe: @escaping @Sendable (JobProgress) -> Void = { _ in }) async throws -> Outcome {
        let job: Job
        if let taken = await lease.job { job = taken } else { job = try await lease.take(name) }
        let began = ContinuousClock.now
        state.withLock {
            $0.checkpoint = job.checkpoint
            $0.published = job.published
        }
        let progress: @Sendable () -> JobProgress = { [self] in
            let state = state.withLock { $0 }
            return JobProgress(
                after: job.definition.after, through: job.through, began: job.checkpoint,
                checkpoint: state.checkpoint, published: state.published, publishedNow: state.publishedNow,
                elapsed: .now - began, note: state.note)
        }
        let result: Result<Outcome, any Error>
        do {
            result = .success(
                try await withThrowingTaskGroup(of: Outcome.self) { group in
                    group.addTask { try await self.work(job) }
                    group.addTask { try await self.keep(progress, observe) }
                    group.addTask { try await self.waitForDrain() }
                    defer { group.cancelAll() }
                    return try await group.next() ?? .stopped
                })
        } catch {
            result = .failure(error)
        }
        await end(result, progress())
        observe(progress())
        return try result.get()
    }

    // MARK: Publishing

    private struct Pending {
        let publication: Publication
        let batch: FeedBatch
    }

    private func work(_ job: Job) async throws -> Outcome {
        let reader = SelectionReader(
            configuration, tables: tables, selection: job.selection(in: tables), after: job.checkpoint,
            through: job.through, bytes: max(1, options.bytesInFlight / Self.depth),
            largest: options.largestPayload, logger: logger)
        do {
            try await publisher.serve([
                ServedSegment(segment: 0, checkpoint: job.checkpoint, epoch: job.epoch, attempt: 0)
            ])
            let outcome = try await publish(reader, job)
            await (publisher as? any EndingConsumer)?.willRelease([0])
            await reader.close()
            return outcome
        } catch {
            await reader.close()
            throw error
        }
    }

    private func publish(_ reader: SelectionReader, _ job: Job) async throws -> Outcome {
        if let load = options.courtesy { return try await publish(reader, job, standingBackFor: load) }
        var pacer = job.rate.map { Pacer(perSecond: $0) }
        let rows = pacer?.portion(atMost: options.batchSize) ?? options.batchSize
        var pending: [Pending] = []
        while !stopping.isClosed, let batch = try await reader.next(atMost: rows, stop: stopping) {
            if let start = pacer?.admit(batch.selection.count, now: .now), start > .now {
                for one in pending { try await acknowledge(one) }
                pending = []
                let wait = start - .now
                if wait > .zero, await stopping.wait(atMost: wait) { break }
            }
            try await waitForHold()
            let publication = batch.selection.isEmpty ? .acknowledged : try await publisher.publish(batch)
            pending.append(Pending(publication: publication, batch: batch))
            if pending.count >= Self.depth { try await acknowledge(pending.removeFirst()) }
        }
        for one in pending { try await acknowledge(one) }
        return state.withLock { $0.checkpoint } >= job.through ? .done : .stopped
    }

    /// In slices, each acknowledged before the next, with rests between them.
    private func publish(
        _ reader: SelectionReader, _ job: Job, standingBackFor load: @Sendable () -> LiveFlow.Load
    ) async throws -> Outcome {
        var courtesy = Courtesy(most: options.batchSize, now: .now)
        var pacer = job.rate.map { Pacer(perSecond: $0) }
        while !stopping.isClosed {
            courtesy.observe(load(), now: .now)
            let note = courtesy.note(now: .now) ?? ""
            state.withLock { $0.note = note }
            let portion: Int
            switch courtesy.step(now: .now) {
            case .wait(let end):
                // Not longer than until what is seen of the live flow may have changed.
                _ = await stopping.wait(atMost: max(.milliseconds(1), min(end - .now, .milliseconds(100))))
                try Task.checkCancellation()
                continue
            case .publish(let count): portion = count
            }
            var start = ContinuousClock.now
            let rows = pacer?.portion(atMost: portion) ?? portion
            guard let batch = try await reader.next(atMost: rows, stop: stopping) else { break }
            if let due = pacer?.admit(batch.selection.count, now: .now), due > .now {
                let read = ContinuousClock.now - start
                if await stopping.wait(atMost: due - .now) { break }
                start = .now - read
            }
            try await waitForHold()
            let publication = batch.selection.isEmpty ? .acknowledged : try await publisher.publish(batch)
            try await acknowledge(Pending(publication: publication, batch: batch))
            courtesy.published(batch.selection.count, took: .now - start, now: .now)
        }
        return state.withLock { $0.checkpoint } >= job.through ? .done : .stopped
    }

    /// A job has one order for all its events: it halts at the first that cannot be delivered.
    private func acknowledge(_ pending: Pending) async throws {
        let halts = try await pending.publication.waitForAcknowledgement().halts
        guard let position = halts.map(\.position).min() else {
            return finish(pending.batch, through: pending.batch.through)
        }
        finish(pending.batch, through: position - 1)
        throw PublicationHalted(consumer: publisher.name, halts: halts)
    }

    private func finish(_ batch: FeedBatch, through position: Int64) {
        let count = Int64(batch.count(through: position))
        state.withLock { state in
            state.checkpoint = max(state.checkpoint, position)
            state.published += count
            state.publishedNow += count
        }
    }

    /// While the database is away another process may take the job, so nothing new is published.
    private func waitForHold() async throws {
        while !state.withLock({ $0.isHeld }) { try await Task.sleep(for: .milliseconds(20)) }
    }

    // MARK: Keeping

    private func keep(
        _ progress: @Sendable () -> JobProgress, _ observe: @Sendable (JobProgress) -> Void
    ) async throws -> Outcome {
        var retry = DatabaseRetry()
        var saved: (checkpoint: Int64, at: ContinuousClock.Instant)?
        while true {
            let isHeld = state.withLock { $0.isHeld }
            let progress = progress()
            let checkpoint = progress.checkpoint
            do {
                let isDue = saved.map { $0.checkpoint < checkpoint || .now - $0.at >= options.lookInterval } ?? true
                if isDue || !isHeld {
                    if try await lease.save(progress.figures) == .stop { stop() }
                    saved = (checkpoint, .now)
                    state.withLock { $0.isHeld = true }
                    retry.succeeded()
                    observe(progress)
                }
                try await Task.sleep(for: options.saveInterval)
            } catch {
                if error.isRecoverable, !Task.isCancelled, state.withLock({ $0.isHeld }) {
                    let trouble = error.databaseTrouble
                    let text = trouble?.kind == .away ? "the database is away" : trouble?.reason ?? ""
                    logger.warning("waiting for the database, \(text): \(error)")
                }
                state.withLock { $0.isHeld = false }
                try await retry.pause(after: error)
            }
        }
    }

    /// Ends the run a bounded time after it was told to stop.
    private func waitForDrain() async throws -> Outcome {
        while !stopping.isClosed { try await Task.sleep(for: .milliseconds(50)) }
        try await Task.sleep(for: options.drainTimeout)
        logger.warning("stopped before everything under way was acknowledged; it will be published again")
        return .stopped
    }

    /// Writes the last checkpoint and the outcome. While the database is away the job stays as it is: run again, it goes
    /// on from its last checkpoint.
    private func end(_ result: Result<Outcome, any Error>, _ progress: JobProgress) async {
        let (ending, text): (JobLife.Ending, String?) =
            switch result {
            case .success(.done): (.done, nil)
            case .success(.stopped): (.stopped, nil)
            case .failure(is CancellationError): (.stopped, nil)
            case .failure(let error): (.failed(passes: Self.passes(error)), "\(error)")
            }
        // On its own, because this may be called in a cancelled task, which sends no statement.
        let task = Task { [lease, logger] in
            do {
                _ = try await lease.save(progress.figures)
                try await lease.end(ending, error: text)
            } catch let error as JobError {
                // Cancelled or another's: nothing of it is this run's to write.
                if case .cancelled = error { await lease.closeRun("cancelled") }
            } catch {
                logger.warning("how the job has ended could not be written; run it again to go on: \(error)")
            }
            await lease.drop()
        }
        await task.value
    }

    /// Whether what ended a run passes by itself, so that trying again later may succeed.
    package static func passes(_ error: any Error) -> Bool {
        if let error = error as? KafkaError { return error.classification.kind == .retry }
        return error.isDatabaseAway
    }
}
