import Consumers
import DedicatedThread
import KafkaBridge
import Logging
import Synchronization

/// Runs the jobs that wait for relays, beside the relays of a process: one at a time, in the order in which they were made.
///
/// It asks the database for nothing while no job waits: the look behind each heartbeat says whether one does. A process that ends
/// gives its job back, and another goes on.
final class JobService: Sendable {
    private let context: JobContext
    private let source: EventSource
    private let consumers: [String]
    private let owner: String
    private let metrics: [String: JobMetrics]
    private let stopping = Mutex(false)
    private let current = Mutex<JobRun?>(nil)
    private let ended = WakeSignal()
    private let logger = Logger(label: "godwit.job")

    /// How much a job's threads stand back for those of the live flow.
    private static let niceness: Int32 = 10

    /// Its metrics are of the task's backend.
    ///
    /// - Returns: nil where this process runs no jobs.
    init?(_ configuration: Configuration, source: EventSource, owner: String) {
        guard configuration.jobs.isRunning, !configuration.consumers.isEmpty,
            let context = try? JobContext(configuration)
        else { return nil }
        self.context = context
        self.source = source
        self.owner = owner
        consumers = configuration.consumers.map(\.name)
        metrics = consumers.reduce(into: [:]) { $0[$1] = JobMetrics($1) }
    }

    /// Until stopped, or cancelled.
    func run() async {
        while !isOver {
            guard await source.jobsWaiting.wait(atMost: .seconds(3_600)) else { continue }
            // Starting the thread costs nothing worth while at rest, and much of what a job needs is made on it.
            let thread = BackgroundThread(name: "job", niceness: Self.niceness)
            await withTaskExecutorPreference(thread) {
                do {
                    while !isOver, try await runNext() {}
                } catch {
                    // The next heartbeat that reaches the database says again that a job waits.
                    if !isOver { logger.debug("no job could be taken: \(error)") }
                }
            }
        }
        ended.close()
    }

    /// Has the job that runs stop where it is, and takes no other.
    func stop() {
        stopping.withLock { $0 = true }
        current.withLock { $0 }?.stop()
        source.jobsWaiting.close()
    }

    /// Stops, and waits until the job is given back.
    func end() async {
        stop()
        while !ended.isClosed, !Task.isCancelled { _ = await ended.wait(atMost: .seconds(1)) }
    }

    private var isOver: Bool { stopping.withLock { $0 } || Task.isCancelled }

    /// - Returns: whether there was one.
    private func runNext() async throws -> Bool {
        let lease = JobLease(
            owner: owner, as: .relay, configuration: context.database, tables: context.tables, logger: logger)
        guard let job = try await lease.takeNext(consumers) else { return false }
        let consumer = job.definition.consumer
        var logger = logger
        logger[metadataKey: "job"] = "\(job.name)"
        logger.notice(
            "runs a job",
            metadata: [
                "consumer": "\(consumer)", "from": "\(job.checkpoint + 1)", "to": "\(job.through)",
                "courtesy": "\(job.isCourteous)",
            ])
        let metrics = self.metrics[consumer] ?? JobMetrics(consumer)
        metrics.began()
        source.liveFlow.watch(true)
        do {
            let outcome = try await perform(job, lease, metrics.observer())
            logger.notice(outcome == .done ? "the job is done" : "the job was stopped")
        } catch {
            // What has run has written how it ended.
            let run = current.withLock { $0 }
            await failed(error, job, lease, hasRun: run != nil, logger)
        }
        current.withLock { $0 = nil }
        source.liveFlow.watch(false)
        metrics.ended()
        return true
    }

    private func perform(
        _ job: Job, _ lease: JobLease, _ observe: @escaping @Sendable (JobProgress) -> Void
    ) async throws -> JobRun.Outcome {
        let execution = execution(of: job, lease)
        return try await execution.with { jobRun in
            self.current.withLock { $0 = jobRun }
            // Stopped before it was there to be told.
            if self.isOver { jobRun.stop() }
            return try await jobRun.run(observe: observe)
        }
    }

    private func execution(of job: Job, _ lease: JobLease) -> JobExecution {
        var execution = JobExecution(context, job, lease: lease)
        // A shutdown has to leave room for the relays' own end.
        execution.drainTimeout = min(execution.drainTimeout, .seconds(5))
        // Beside what the relays may take.
        execution.bytesInFlight = min(execution.bytesInFlight / 4, 8 << 20)
        if job.isCourteous { execution.courtesy = { [flow = source.liveFlow] in flow.take() } }
        return execution
    }

    /// Writes and reports why a job does not go on.
    private func failed(_ error: any Error, _ job: Job, _ lease: JobLease, hasRun: Bool, _ logger: Logger) async {
        switch error {
        case is CancellationError: break
        case JobError.cancelled: logger.notice("the job was cancelled")
        case JobError.lost: logger.warning("\(error)")
        default:
            metrics[job.definition.consumer]?.failed()
            let passes = Self.passes(error)
            logger.log(
                level: passes ? .warning : .error,
                passes
                    ? "the job is tried again later: \(error)"
                    : "the job has failed: \(error); `godwit jobs resume \(job.name)` tries again")
        }
        if hasRun { return }
        // On its own, because this may be a cancelled task, which sends no statement.
        let ending: JobLife.Ending = error is CancellationError ? .stopped : .failed(passes: Self.passes(error))
        let text = error is CancellationError ? nil : "\(error)"
        let task = Task {
            _ = try? await lease.end(ending, error: text)
            await lease.drop()
        }
        await task.value
    }

    private static func passes(_ error: any Error) -> Bool {
        if JobRun.passes(error) { return true }
        return switch Failure(error).status {
        case .databaseUnreachable, .databaseBusy, .kafkaUnreachable: true
        default: false
        }
    }
}
