import Consumers
import EventSourcing
import FoundationEssentials
import KafkaBridge
import Postgres

/// Runs a job that a process has chosen: connects what it needs, and closes it however the job ends.
struct JobExecution: Sendable {
    let context: JobContext
    let job: Job
    let lease: JobLease
    /// What it gives way to; `nil` where it does not.
    var courtesy: (@Sendable () -> LiveFlow.Load)?
    /// How long to wait, when told to stop, for what is under way.
    var drainTimeout: Duration
    /// How much memory its events may take.
    var bytesInFlight: Int

    init(_ context: JobContext, _ job: Job, lease: JobLease) {
        self.context = context
        self.job = job
        self.lease = lease
        drainTimeout = context.configuration.worker.shutdownTimeout
        bytesInFlight = context.configuration.worker.bytesInFlight
    }

    /// - Parameter body: runs what it is handed.
    func with(_ body: (JobRun) async throws -> JobRun.Outcome) async throws -> JobRun.Outcome {
        var options = try context.jobOptions(
            try context.consumer(job.definition.consumer), topic: job.definition.topic)
        options.name = SegmentOwnersTable.consumer(ofJob: job.name)
        options.client = context.configuration.kafka.client("godwit-republish-\(job.name)")
        options.route.republication = Republication(job: job.name)
        let side = ConnectionPool(context.database, size: 1, logger: context.logger)
        let transactions = TransactionStore(side, tables: context.tables, claims: .jobs)
        options.exactlyOnce = try context.exactlyOnce(job, transactions)
        do {
            try await BrokerCheck(options).run()
            let outcome = try await run(options, body)
            if options.exactlyOnce != nil, outcome == .done { try? await transactions.forget(options.name) }
            await side.close()
            return outcome
        } catch {
            await side.close()
            throw error
        }
    }

    private func run(
        _ options: KafkaPublisherOptions, _ body: (JobRun) async throws -> JobRun.Outcome
    ) async throws -> JobRun.Outcome {
        let publisher = KafkaPublisher(options, logger: context.logger)
        let worker = context.configuration.worker
        var run = JobRun.Options()
        run.bytesInFlight = bytesInFlight
        run.batchSize = worker.batchSize
        run.drainTimeout = drainTimeout
        run.largestPayload = options.largestPayload(options.largestRecord)
        run.courtesy = courtesy
        do {
            let outcome = try await body(
                JobRun(
                    job.name, lease: lease, configuration: context.database, tables: context.tables,
                    publisher: publisher, options: run, logger: context.logger))
            await publisher.close()
            return outcome
        } catch {
            await publisher.close()
            throw error
        }
    }
}
