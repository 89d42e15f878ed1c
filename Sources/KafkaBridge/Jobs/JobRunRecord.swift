package import EventSourcing
package import FoundationEssentials
package import Postgres

/// One run of a job, as its history has it.
package struct JobRunRecord: Sendable, Equatable {
    package let owner: String
    package let startedAt: Date
    /// `nil` while it runs.
    package let endedAt: Date?
    /// The job's state when the run had ended; `interrupted` where its process died, empty while it runs.
    package let outcome: String
    /// Events that this run has published; `nil` where its process died before it could say.
    package let published: Int64?
    package let error: String?

    /// Reads a row of ``JobRunsTable/all(of:)``.
    init(_ row: Row) throws(PostgresError) {
        owner = try row.decode(0)
        startedAt = try row.decode(1)
        endedAt = try row.decodeIfPresent(2)
        outcome = try row.decode(3)
        published = try row.decodeIfPresent(4)
        error = try row.decodeIfPresent(5)
    }
}

/// The SQL of the table `job_runs`.
struct JobRunsTable: Sendable {
    let table: TableName
    private let jobs: TableName

    init(_ tables: TableNames) {
        table = tables.godwitTable("job_runs")
        jobs = tables.godwitTable("jobs")
    }

    /// The runs of a job, the first one first.
    func all(of job: String) -> BoundStatement {
        let sql = """
            SELECT owner, started_at, ended_at, outcome, published - published_before, error
            FROM \(table.sql) WHERE job = $1 ORDER BY epoch
            """
        return BoundStatement(Statement(sql), [job])
    }

    /// Notes that a run has begun; one that has not said how it ended was interrupted.
    func begin(_ job: String, epoch: Int64) -> BoundStatement {
        let sql = """
            WITH interrupted AS (
                UPDATE \(table.sql) SET ended_at = clock_timestamp(), outcome = 'interrupted'
                WHERE job = $1 AND ended_at IS NULL AND epoch < $2
            )
            INSERT INTO \(table.sql) (job, epoch, owner, published_before)
            SELECT name, epoch, coalesce(owner, ''), published FROM \(jobs.sql) WHERE name = $1 AND epoch = $2
            ON CONFLICT DO NOTHING
            """
        return BoundStatement(Statement(sql), [job, epoch])
    }

    func end(_ job: String, epoch: Int64, outcome: String, error: String?) -> BoundStatement {
        let sql = """
            UPDATE \(table.sql) AS runs SET ended_at = clock_timestamp(), outcome = $3, error = $4,
                published = (SELECT published FROM \(jobs.sql) WHERE name = $1)
            WHERE job = $1 AND epoch = $2 AND ended_at IS NULL
            """
        return BoundStatement(Statement(sql), [job, epoch, outcome, error])
    }
}
