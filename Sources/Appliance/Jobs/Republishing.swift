import Consumers
import EventSourcing
import FoundationEssentials
import Glibc
package import KafkaBridge
import Logging
import Postgres

/// The work behind `godwit republish`.
package struct Republishing: Sendable {
    private let place: JobContext

    package init(_ configuration: Configuration) throws(Failure) {
        place = try JobContext(configuration)
    }

    // MARK: Making and running

    /// Makes the job that is asked for, or finds the one of that name.
    ///
    /// - Parameters:
    ///   - consumer: `nil` to go on with a job that exists.
    ///   - rate: events a second; `nil` leaves a job's own.
    package func job(
        _ name: String, consumer: String?, request: SelectionRequest, rate: Double?
    ) async throws -> Job {
        try request.validate()
        return try await place.configuration.database.withConnection { connection in
            let jobs = Jobs(connection, tables: place.tables, actor: CommandActor.current)
            let job: Job
            if let consumer {
                job = try await make(name, consumer, request, rate, jobs, connection)
            } else {
                guard let found = try await jobs.find(name) else { throw JobError.unknown(name) }
                guard request.isEmpty else {
                    throw Failure(
                        .usage,
                        "say --consumer too, or give --job \(name) alone to go on with the job as it was made")
                }
                job = found
            }
            if job.state == .cancelled { throw JobError.cancelled(name) }
            guard let rate, rate != job.rate, job.state != .done else { return job }
            try await jobs.setRate(name, rate)
            return try await jobs.find(name) ?? job
        }
    }

    private func make(
        _ name: String, _ consumer: String, _ request: SelectionRequest, _ rate: Double?, _ jobs: Jobs,
        _ connection: Connection
    ) async throws -> Job {
        guard JobDefinition.isName(name) else {
            throw Failure(
                .usage,
                "\"\(name)\" is no name for a job: use up to 100 letters, digits, `.`, `_` and `-`, no `-` first")
        }
        let section = try place.consumer(consumer)
        _ = try place.publisherOptions(section, topic: request.topic)
        let definition = JobDefinition(
            consumer: consumer, selection: try request.selection(of: section), topic: request.topic,
            after: try await place.start(of: request, consumer, on: connection), askedThrough: request.toPosition)
        // A job that exists has its end already, and the one that would be found now is another.
        let through: Int64
        if let found = try await jobs.find(name) {
            through = found.through
        } else {
            through = try await place.settledEnd(of: request, on: connection)
        }
        let job = try await jobs.make(
            name, definition, through: through, rate: rate, needsAll: request.fromPosition != nil)
        if let pruned = try await PruningsTable(place.tables).read(on: connection), pruned.through > definition.after {
            place.logger.notice("\(pruned.sentence): the job publishes what is left of its range")
        }
        return job
    }

    /// Runs a job until it is done or a signal says otherwise.
    ///
    /// - Returns: the job as it stands afterwards.
    /// - Throws: `jobUnfinished` where it was told to stop.
    package func run(_ job: Job, observe: @escaping @Sendable (JobProgress) -> Void) async throws -> Job {
        if job.state == .done { return job }
        var options = try place.publisherOptions(
            try place.consumer(job.definition.consumer), topic: job.definition.topic)
        options.name = SegmentOwnersTable.consumer(ofJob: job.name)
        options.client = place.configuration.kafka.client("godwit-republish-\(job.name)")
        options.route.republication = Republication(job: job.name)
        let side = ConnectionPool(place.database, size: 1, logger: place.logger)
        let transactions = TransactionStore(side, tables: place.tables, claims: .jobs)
        options.exactlyOnce = try place.exactlyOnce(job, transactions)
        do {
            try await BrokerCheck(options).run()
            let after = try await run(job, options, observe: observe)
            if options.exactlyOnce != nil, after.state == .done { try? await transactions.forget(options.name) }
            await side.close()
            return after
        } catch {
            await side.close()
            throw error
        }
    }

    private func run(
        _ job: Job, _ options: KafkaPublisherOptions, observe: @escaping @Sendable (JobProgress) -> Void
    ) async throws -> Job {
        let publisher = KafkaPublisher(options, logger: place.logger)
        var runOptions = runOptions
        runOptions.largestPayload = options.largestPayload(options.largestRecord)
        let run = JobRun(
            job.name, owner: "\(CommandActor.current) process \(getpid())", configuration: place.database,
            tables: place.tables, publisher: publisher, options: runOptions, logger: place.logger)
        let outcome: JobRun.Outcome
        do {
            outcome = try await SignalledWork(logger: place.logger).run(stop: { run.stop() }) {
                try await run.run(observe: observe)
            }
            await publisher.close()
        } catch {
            await publisher.close()
            throw error
        }
        let after = try await place.configuration.database.withConnection { connection in
            try await Jobs(connection, tables: place.tables, actor: "").find(job.name) ?? job
        }
        guard outcome == .done else {
            throw Failure(
                .jobUnfinished,
                "stopped at position \(after.checkpoint) of \(after.through); "
                    + "`godwit republish --job \(job.name)` goes on from there")
        }
        return after
    }

    private var runOptions: JobRun.Options {
        var options = JobRun.Options()
        options.bytesInFlight = place.configuration.worker.bytesInFlight
        options.batchSize = place.configuration.worker.batchSize
        options.drainTimeout = place.configuration.worker.shutdownTimeout
        return options
    }

    // MARK: Looking and cancelling

    /// Counts what would be published, without a job and without a broker; of a job that exists, what is left.
    package func count(_ name: String?, consumer: String?, request: SelectionRequest) async throws -> CountReport {
        try request.validate()
        return try await place.configuration.database.withConnection { connection in
            let found: Job?
            if let name {
                found = try await Jobs(connection, tables: place.tables, actor: "").find(name)
            } else {
                found = nil
            }
            let definition: JobDefinition
            if let consumer {
                definition = JobDefinition(
                    consumer: consumer, selection: try request.selection(of: place.consumer(consumer)),
                    topic: request.topic, after: try await place.start(of: request, consumer, on: connection),
                    askedThrough: request.toPosition)
                if let name, let found {
                    let differences = definition.differences(from: found.definition)
                    guard differences.isEmpty else { throw JobError.exists(name, differences: differences) }
                }
            } else {
                guard let found else { throw JobError.unknown(name ?? "") }
                definition = found.definition
            }
            let through: Int64
            if let found {
                through = found.through
            } else {
                through = try await place.settledEnd(of: request, on: connection)
            }
            let options = try place.publisherOptions(
                try place.consumer(definition.consumer), topic: definition.topic)
            let after = found?.checkpoint ?? definition.after
            let count = try await SelectionCount.take(
                found?.selection(in: place.tables) ?? definition.selection(in: place.tables), after: after,
                through: through,
                route: options.route, maximumBytes: options.maximumRecordBytes ?? 1_000_000,
                table: try await EventsTable.checked(place.tables.source, on: connection), on: connection)
            return CountReport(consumer: definition.consumer, after: after, through: through, count: count)
        }
    }

    /// All jobs, the newest first.
    package func list() async throws -> [Job] {
        try await place.configuration.database.withConnection {
            try await Jobs($0, tables: place.tables, actor: "").all()
        }
    }

    package func cancel(_ name: String) async throws -> Job {
        try await place.configuration.database.withConnection { connection in
            let jobs = Jobs(connection, tables: place.tables, actor: CommandActor.current)
            try await jobs.cancel(name)
            guard let job = try await jobs.find(name) else { throw JobError.unknown(name) }
            return job
        }
    }
}
