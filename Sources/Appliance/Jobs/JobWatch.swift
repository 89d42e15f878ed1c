import EventSourcing
package import KafkaBridge
import Postgres

/// Follows a job that runs anywhere, by its row.
package struct JobWatch: Sendable {
    private let configuration: Configuration
    private let name: String

    private static let interval: Duration = .milliseconds(500)
    /// How long a process may take to stop.
    private static let patience: Duration = .seconds(10)

    package init(_ configuration: Configuration, _ name: String) {
        self.configuration = configuration
        self.name = name
    }

    /// How a command that waited for it ends.
    package static func exitStatus(_ job: Job) -> ExitStatus {
        switch job.state {
        case .done: .success
        case .failed: .halted
        default: .jobUnfinished
        }
    }

    /// Until the job has ended, or an operator has to decide before it goes on.
    ///
    /// - Parameter show: told how far it has come.
    package func run(_ show: (String) -> Void) async throws -> Job {
        try await follow { job in
            show(JobReport(job).progressLine)
            return job.state.isFinal || job.life.waitsForOperator
        }
    }

    /// Until a job that was asked to stop has stopped; not for ever, since its process may hang.
    package func waitForStop(_ job: Job) async throws -> Job {
        guard job.word == "stopping" else { return job }
        let deadline = ContinuousClock.now + Self.patience
        return try await follow { $0.word != "stopping" || .now > deadline }
    }

    /// A database that is away for a moment is waited for, once the job was seen.
    private func follow(_ isOver: (Job) -> Bool) async throws -> Job {
        var connection: Connection?
        var hasSeen = false
        while true {
            do {
                let open: Connection
                if let connection { open = connection } else { open = try await configuration.database.connect() }
                connection = open
                let jobs = Jobs(open, tables: configuration.database.tables, actor: "")
                guard let job = try await jobs.find(name) else { throw JobError.unknown(name) }
                hasSeen = true
                if isOver(job) {
                    await open.close()
                    return job
                }
            } catch {
                await connection?.close()
                connection = nil
                guard hasSeen, let failure = error as? PostgresError, failure.classification.kind == .away else {
                    throw error
                }
            }
            try await Task.sleep(for: Self.interval)
        }
    }
}
