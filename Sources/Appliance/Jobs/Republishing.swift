import Consumers
import EventSourcing
import FoundationEssentials
import Glibc
package import KafkaBridge
import Logging
import Postgres

/// Makes republish jobs, counts what they would publish, and runs them in this process.
package struct Republishing: Sendable {
    private let place: JobContext
    /// Who asks, for the audit.
    private let actor: String
    /// How long to wait for transactions that write events, and for a count.
    private let patience: Duration

    package init(_ configuration: Configuration) throws(Failure) {
        try self.init(configuration, actor: CommandActor.current)
    }

    package init(_ configuration: Configuration, actor: String, patience: Duration = .seconds(30)) throws(Failure) {
        place = try JobContext(configuration)
        self.actor = actor
        self.patience = patience
    }

    // MARK: Making

    /// Makes the job that is asked for, or finds the one of that name and definition; a queued one is announced to relays.
    ///
    /// - Returns: the job, and whether it is new.
    package func make(_ order: JobOrder) async throws -> (job: Job, isNew: Bool) {
        try order.validate()
        return try await place.configuration.database.withConnection { connection in
            let made = try await make(order, Jobs(connection, tables: place.tables, actor: actor), connection)
            if made.isNew, order.isQueued {
                try await place.configuration.notifyOfJobs(on: connection)
            }
            return made
        }
    }

    /// The job that is asked for, for this process to run.
    ///
    /// - Parameters:
    ///   - consumer: `nil` to go on with a job that exists.
    ///   - rate: events a second; `nil` leaves a job's own.
    package func job(
        _ name: String, consumer: String?, request: SelectionRequest, rate: Double?
    ) async throws -> Job {
        try request.validate()
        return try await place.configuration.database.withConnection { connection in
            let jobs = Jobs(connection, tables: place.tables, actor: actor)
            let job: Job
            if let consumer {
                let order = JobOrder(name, consumer: consumer, selection: request, rate: rate)
                try order.validate()
                job = try await make(order, jobs, connection).job
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
        _ order: JobOrder, _ jobs: Jobs, _ connection: Connection
    ) async throws -> (job: Job, isNew: Bool) {
        let found = try await jobs.find(order.name)
        let request = found.map { order.selection.repeating($0) } ?? order.selection
        let section = try place.consumer(order.consumer)
        _ = try place.jobOptions(section, topic: request.topic)
        let definition = JobDefinition(
            consumer: order.consumer, selection: try request.selection(of: section), topic: request.topic,
            after: try await place.start(of: request, order.consumer, on: connection),
            askedThrough: request.toPosition)
        // A job that exists has its end already, and the one that would be found now is another.
        let through: Int64
        if let found {
            through = found.through
        } else {
            through = try await place.settledEnd(of: request, patience: patience, on: connection)
        }
        let made = try await jobs.make(
            order.job(definition), through: through, needsAll: request.fromPosition != nil)
        if let pruned = try await PruningsTable(place.tables).read(on: connection), pruned.through > definition.after {
            place.logger.notice("\(pruned.sentence): the job publishes what is left of its range")
        }
        return made
    }

    // MARK: Running

    /// Runs a job until it is done, an operator stops it, or a signal says otherwise.
    ///
    /// - Returns: the job as it is afterwards.
    /// - Throws: `jobUnfinished` where it was told to stop.
    package func run(_ job: Job, observe: @escaping @Sendable (JobProgress) -> Void) async throws -> Job {
        if job.state == .done { return job }
        let lease = JobLease(
            owner: "\(actor) process \(getpid())", configuration: place.database, tables: place.tables,
            logger: place.logger)
        let logger = place.logger
        let outcome = try await JobExecution(place, job, lease: lease).with { run in
            try await SignalledWork(logger: logger).run(stop: { run.stop() }) {
                try await run.run(observe: observe)
            }
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

    // MARK: Counting

    /// Counts what would be published, without a job and without a broker; of a job that exists, what is left.
    ///
    /// - Parameter limit: how long to count; the report says how far it came.
    package func count(
        _ name: String?, consumer: String?, request: SelectionRequest, limit: Duration? = nil
    ) async throws -> CountReport {
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
                through = try await place.settledEnd(of: request, patience: patience, on: connection)
            }
            let options = try place.jobOptions(
                try place.consumer(definition.consumer), topic: definition.topic)
            let after = found?.checkpoint ?? definition.after
            let count = try await SelectionCount.take(
                found?.selection(in: place.tables) ?? definition.selection(in: place.tables), after: after,
                through: through,
                route: options.route, maximumBytes: options.maximumRecordBytes ?? 1_000_000,
                table: try await EventsTable.checked(place.tables.source, on: connection), on: connection,
                until: limit.map { .now + $0 })
            return CountReport(consumer: definition.consumer, after: after, through: through, count: count)
        }
    }
}
