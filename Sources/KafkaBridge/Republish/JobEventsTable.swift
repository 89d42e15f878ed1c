package import EventSourcing
import Postgres

/// The SQL of the table `job_events`: what a job lists one by one.
package struct JobEventsTable: Sendable {
    private let table: TableName

    package init(_ tables: TableNames) {
        table = tables.godwitTable("job_events")
    }

    func insert(_ job: String, _ positions: [Int64]) -> BoundStatement {
        let sql = """
            INSERT INTO \(table.sql) (job, global_position) SELECT $1, unnest($2::bigint[]) ON CONFLICT DO NOTHING
            """
        return BoundStatement(Statement(name: "job_events_insert", sql: sql), [job, positions])
    }

    /// Gives a job the list of another.
    func copy(_ job: String, to other: String) -> BoundStatement {
        let sql = """
            INSERT INTO \(table.sql) (job, global_position) SELECT $2, global_position FROM \(table.sql) WHERE job = $1
            """
        return BoundStatement(Statement(sql), [job, other])
    }

    /// The list of a job as a part of a selection.
    func list(of job: String) -> EventList { EventList(table, job: job) }
}
