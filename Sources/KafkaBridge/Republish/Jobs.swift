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

    /// Makes a job, or finds the one that was made before with the same definition.
    ///
    /// - Parameters:
    ///   - through: the last position of the range, settled.
    ///   - listed: the positions, where the definition says that events are listed.
    ///   - needsAll: whether it is refused where rows of its range were removed by retention.
    /// - Throws: ``JobError/exists(_:differences:)`` where the name is taken by a job of another definition.
    package func make(
        _ name: String, _ definition: JobDefinition, through: Int64, rate: Double?, listed: [Int64] = [],
        needsAll: Bool = false
    ) async throws -> Job {
        try await connection.withTransaction { transaction in
            // From here on the job's rows stay.
            try await transaction.query(RetentionLock(tables).share)
            let isNew =
                try await transaction.query(table.insert(name, definition, through: through, rate: rate)).affectedRows
                == 1
            guard let row = try await transaction.query(table.find(name)).first else { throw JobError.unknown(name) }
            let job = try Job(row)
            let differences = definition.differences(from: job.definition)
            guard differences.isEmpty else { throw JobError.exists(name, differences: differences) }
            guard isNew else { return job }
            let pruned = try await PruningsTable(tables).read(on: transaction)?.through ?? 0
            if needsAll, definition.after < pruned { throw JobError.pruned(through: pruned) }
            for start in stride(from: 0, to: listed.count, by: 10_000) {
                let part = Array(listed[start..<min(start + 10_000, listed.count)])
                try await transaction.query(events.insert(name, part))
            }
            try await record("republish", name, "\(definition.summary), up to position \(through)", in: transaction)
            return job
        }
    }

    /// Ends a job for good. Whoever runs it stops within a second or so.
    ///
    /// - Throws: ``JobError`` where there is no such job or it has ended.
    package func cancel(_ name: String) async throws {
        try await connection.withTransaction { transaction in
            if try await transaction.query(table.cancel(name)).affectedRows == 0 {
                guard let row = try await transaction.query(table.find(name)).first else {
                    throw JobError.unknown(name)
                }
                throw try Job(row).state == .done ? JobError.done(name) : JobError.cancelled(name)
            }
            try await record("cancel", name, "", in: transaction)
        }
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
