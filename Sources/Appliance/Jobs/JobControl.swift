import EventSourcing
package import KafkaBridge
import Postgres

/// What can be done with jobs from everywhere: looked at, stopped, resumed, cancelled, and repeated.
package struct JobControl: Sendable {
    private let configuration: Configuration
    private let tables: TableNames
    /// Who asks, for the audit.
    private let actor: String

    package init(_ configuration: Configuration, actor: String) {
        self.configuration = configuration
        tables = configuration.database.tables
        self.actor = actor
    }

    package init(_ configuration: Configuration) {
        self.init(configuration, actor: CommandActor.current)
    }

    /// All jobs, the newest first.
    package func list() async throws -> [Job] {
        try await with { try await $0.all() }
    }

    /// A job, and its runs.
    ///
    /// - Throws: where there is none of that name.
    package func show(_ name: String) async throws -> (job: Job, runs: [JobRunRecord]) {
        try Self.check(name)
        return try await with { jobs in
            guard let job = try await jobs.find(name) else { throw JobError.unknown(name) }
            return (job, try await jobs.runs(of: name))
        }
    }

    /// Has a job stopped, resumed or cancelled, and relays notice at once.
    package func change(_ name: String, _ request: JobLife.Request) async throws -> (job: Job, isChanged: Bool) {
        try Self.check(name)
        return try await withConnection { connection in
            let result = try await jobs(on: connection).change(name, request)
            if result.isChanged { try await notify(on: connection) }
            return result
        }
    }

    /// Makes a job like one that has ended, for relays.
    package func again(_ name: String) async throws -> Job {
        try Self.check(name)
        return try await withConnection { connection in
            let job = try await jobs(on: connection).repeatJob(name)
            try await notify(on: connection)
            return job
        }
    }

    /// No job has a name that none can have; the database would not take each of those.
    private static func check(_ name: String) throws(JobError) {
        guard JobName.isValid(name) else { throw .unknown(LogLine.harmless(String(name.prefix(120)))) }
    }

    /// Has relays look for jobs at once, where they listen; else they do with their next heartbeat.
    func notify(on connection: Connection) async throws {
        guard configuration.notify.mode != .never else { return }
        try await connection.query(ControlsTable(tables).tell(configuration.notify.channel))
    }

    private func jobs(on connection: Connection) -> Jobs { Jobs(connection, tables: tables, actor: actor) }

    private func with<Value: Sendable>(_ body: (Jobs) async throws -> Value) async throws -> Value {
        try await withConnection { try await body(jobs(on: $0)) }
    }

    private func withConnection<Value: Sendable>(_ body: (Connection) async throws -> Value) async throws -> Value {
        try await configuration.database.withConnection(body)
    }
}
