import Consumers
package import EventSourcing
package import Postgres

/// Makes, finds, changes and cancels jobs. What a person changes is recorded in the audit, in the same transaction.
package struct Jobs: Sendable {
    private let connection: Connection
    private let tables: TableNames
    private let table: JobsTable
    private let events: JobEventsTable
    private let audit: AuditLog
    private let actor: String

    /// - Parameter actor: whom the audit names.
    package init(_ connection: Connection, tables: TableNames, actor: String) {
        self.connection = connection
        self.tables = tables
        self.table = JobsTable(tables)
        self.events = JobEventsTable(tables)
        self.audit = AuditLog(tables)
        self.actor = actor
    }

    package func find(_ name: String) async throws(PostgresError) -> Job? {
        guard let row = try await connection.query(table.find(name)).first else { return nil }
        return try Job(row)
    }

    /// The newest first.
    package func all() async throws(PostgresError) -> [Job] {
        var jobs: [Job] = []
        for row in try await connection.query(table.find(nil)) { jobs.append(try Job(row)) }
        return jobs
    }

    /// The runs of a job, the first one first.
    package func runs(of name: String) async throws(PostgresError) -> [JobRunRecord] {
        var runs: [JobRunRecord] = []
        for row in try await connection.query(JobRunsTable(tables).all(of: name)) { runs.append(try JobRunRecord(row)) }
        return runs
    }

    /// Makes a job, or finds the one that was made before with the same definition.
    ///
    /// - Parameters:
    ///   - through: the last position of the range, settled.
    ///   - listed: the positions, where the definition says that events are listed.
    ///   - needsAll: whether it is refused where rows of its range were removed by retention.
    /// - Returns: the job, and whether it is new.
    /// - Throws: ``JobError/exists(_:differences:)`` where the name is taken by a job of another definition.
    package func make(
        _ new: NewJob, through: Int64, listed: [Int64] = [], needsAll: Bool = false
    ) async throws -> (job: Job, isNew: Bool) {
        var new = new
        new.createdBy = actor
        let (name, definition) = (new.name, new.definition)
        return try await connection.withTransaction { [new] transaction in
            // From here on the job's rows stay.
            try await transaction.query(RetentionLock(tables).share)
            let isNew = try await transaction.query(table.insert(new, through: through)).affectedRows == 1
            let job = try await find(name, in: transaction)
            let differences = definition.differences(from: job.definition)
            guard differences.isEmpty else { throw JobError.exists(name, differences: differences) }
            guard isNew else { return (job, false) }
            let pruned = try await PruningsTable(tables).read(on: transaction)?.through ?? 0
            if needsAll, definition.after < pruned { throw JobError.pruned(through: pruned) }
            for start in stride(from: 0, to: listed.count, by: 10_000) {
                let part = Array(listed[start..<min(start + 10_000, listed.count)])
                try await transaction.query(events.insert(name, part))
            }
            try await record("republish", name, "\(definition.summary), up to position \(through)", in: transaction)
            return (job, true)
        }
    }

    /// Makes a job with the definition, the range and the list of another, for relays.
    ///
    /// - Returns: the new one, under the first free name of `NAME-2`, `NAME-3` and so on.
    /// - Throws: ``JobError`` where there is none of that name, or it has not come to an end yet.
    package func repeatJob(_ name: String) async throws -> Job {
        try await connection.withTransaction { transaction in
            try await transaction.query(RetentionLock(tables).share)
            try await transaction.query(table.lockChoice)
            let job = try await find(name, in: transaction)
            guard job.state.isFinal else { throw JobError.unfinished(name, word: job.word) }
            let pruned = try await PruningsTable(tables).read(on: transaction)?.through ?? 0
            guard pruned <= job.definition.after else { throw JobError.pruned(through: pruned) }
            let stem = JobName.stem(of: name)
            var taken: Set<String> = []
            for row in try await transaction.query(table.names(like: stem)) { taken.insert(try row.decode(0)) }
            var new = NewJob(JobName.next(after: name, taken: taken), job.definition)
            (new.rate, new.isCourteous, new.isQueued) = (job.rate, job.isCourteous, true)
            new.createdBy = actor
            guard try await transaction.query(table.insert(new, through: job.through)).affectedRows == 1 else {
                throw JobError.exists(new.name, differences: ["the table of events"])
            }
            if job.definition.isListed { try await transaction.query(events.copy(name, to: new.name)) }
            try await record("republish", new.name, "again, as job \(name)", in: transaction)
            return try await find(new.name, in: transaction)
        }
    }

    /// Has a job stopped, resumed or cancelled. The process that runs it notices within a second.
    ///
    /// - Returns: the job as it is then, and whether that is new.
    /// - Throws: ``JobError`` where there is no such job or it has ended.
    @discardableResult
    package func change(_ name: String, _ request: JobLife.Request) async throws -> (job: Job, isChanged: Bool) {
        try await connection.withTransaction { transaction in
            try await transaction.query(table.lockRow(name))
            let job = try await find(name, in: transaction)
            var life = job.life
            let isChanged = try life.apply(request, to: name)
            // One that waits for its next attempt is tried at once.
            guard isChanged || (request == .resume && job.retryAt != nil) else { return (job, false) }
            // One of the version before belongs to the table of the relays that run it from now on.
            if request == .resume { try await transaction.query(table.adopt(name)) }
            try await transaction.query(table.set(name, life))
            try await record(request.rawValue, name, "", in: transaction)
            return (try await find(name, in: transaction), true)
        }
    }

    private func find(_ name: String, in transaction: Transaction) async throws -> Job {
        if let row = try await transaction.query(table.find(name)).first { return try Job(row) }
        if let other: String = try await transaction.query(table.isForeign(name)).first?.decode(0) {
            throw JobError.exists(name, differences: ["the table of events, which is \(other)"])
        }
        throw JobError.unknown(name)
    }

    /// Changes how many events a second the next run publishes at most.
    package func setRate(_ name: String, _ rate: Double?) async throws {
        try await connection.withTransaction { transaction in
            try await transaction.query(table.setRate(name, rate))
            try await record("rate", name, rate.map { "\($0) events/s" } ?? "no limit", in: transaction)
        }
    }

    private func record(
        _ action: String, _ name: String, _ details: String, in transaction: Transaction
    ) async throws(PostgresError) {
        let entry = AuditEntry(actor: actor, action: action, subject: "job \(name)", details: details)
        try await transaction.query(audit.record(entry))
    }
}
