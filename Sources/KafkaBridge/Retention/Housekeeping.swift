package import EventSourcing
package import Postgres

/// Removes old rows of Godwit's own tables: decided dead letters, entries of the audit log, ended jobs.
package struct Housekeeping: Sendable {
    /// How long what is kept; zero is for ever.
    package struct Ages: Sendable, Equatable {
        package var deadLetters: Duration
        package var auditLog: Duration
        package var jobs: Duration

        package init(deadLetters: Duration = .zero, auditLog: Duration = .zero, jobs: Duration = .zero) {
            self.deadLetters = deadLetters
            self.auditLog = auditLog
            self.jobs = jobs
        }
    }

    /// How many rows were removed.
    package struct Removed: Sendable, Equatable {
        package var deadLetters = 0
        package var auditEntries = 0
        package var jobs = 0

        package init() {}

        package var isEmpty: Bool { self == Removed() }
    }

    /// Rows of one statement.
    private static let batch = 1_000

    private let tables: TableNames
    private let ages: Ages

    package init(_ tables: TableNames, ages: Ages) {
        self.tables = tables
        self.ages = ages
    }

    /// Removes in short statements, until nothing is left or it is to stop.
    package func run(
        on connection: Connection, isStopping: () -> Bool = { false }
    ) async throws(PostgresError) -> Removed {
        var removed = Removed()
        func remove(
            _ age: Duration, _ statement: (Double, Int) -> BoundStatement
        ) async throws(PostgresError) -> Int {
            guard age > .zero else { return 0 }
            var total = 0
            while !isStopping(), !Task.isCancelled {
                let result = try await connection.query(statement(age / .seconds(1), Self.batch))
                let count = result.affectedRows
                total += count
                if count < Self.batch { break }
            }
            return total
        }
        let (letters, log, jobs) = (DeadLettersTable(tables), AuditLog(tables), JobsTable(tables))
        removed.deadLetters = try await remove(ages.deadLetters) { letters.removeDecided(olderThan: $0, limit: $1) }
        removed.auditEntries = try await remove(ages.auditLog) { log.remove(olderThan: $0, limit: $1) }
        removed.jobs = try await remove(ages.jobs) { jobs.removeEnded(olderThan: $0, limit: $1) }
        return removed
    }
}
