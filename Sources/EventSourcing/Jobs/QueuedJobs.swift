/// Which jobs wait for a relay process, as SQL: what heartbeats look for, and what a process then takes, must be the same.
package struct QueuedJobs: Sendable {
    /// The kinds of jobs that this version can run. Others stay for processes of versions that can.
    package static let kinds = ["republish"]
    /// The process that runs a job writes at least twice a second: one that has not for so long is dead, or has no database.
    package static let silence: Duration = .seconds(5)

    private let jobs: TableName
    private let events: String

    package init(_ tables: TableNames) {
        jobs = tables.godwitTable("jobs")
        events = tables.events.text
    }

    /// Whether a row of the table `job` can be begun now by a process that has some consumers.
    ///
    /// The jobs of a consumer run one at a time, in the order in which they were made. One that waits for its next attempt
    /// holds the later ones of its consumer, whose brokers are the same.
    ///
    /// - Parameter consumers: an SQL expression.
    package func isReady(consumers: String) -> String {
        """
        job.wish = 'run' AND job.events_table = \(quoteLiteral(events)) AND job.consumer = ANY(\(consumers))
        AND job.kind IN (\(Self.kinds.map { quoteLiteral($0) }.joined(separator: ", ")))
        AND (job.state = 'queued' AND coalesce(job.retry_at <= clock_timestamp(), true)
            OR job.state = 'running' AND \(isSilent("job")))
        AND NOT EXISTS (SELECT FROM \(jobs.sql) AS other
            WHERE other.wish IN ('run', 'stop') AND other.consumer = job.consumer AND other.name <> job.name
            AND other.events_table = job.events_table
            AND (other.state = 'running' AND NOT (other.wish = 'stop' AND \(isSilent("other")))
                OR other.state = 'queued' AND other.wish = 'run'
                AND (other.created_at, other.name) < (job.created_at, job.name)))
        """
    }

    private func isSilent(_ table: String) -> String {
        "\(table).updated_at < clock_timestamp() - make_interval(secs => \(Self.silence / .seconds(1)))"
    }

    /// Whether some job can be begun now, as an SQL expression.
    package func isWaiting(consumers: String) -> String {
        "EXISTS (SELECT FROM \(jobs.sql) AS job WHERE \(isReady(consumers: consumers)))"
    }
}
