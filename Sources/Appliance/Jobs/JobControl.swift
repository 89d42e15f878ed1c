import EventSourcing
package import KafkaBridge
import Postgres

/// What can be done with jobs from everywhere: looked at, stopped, resumed, cancelled, and repeated. Of several sources it finds
/// the one that has the job.
package struct JobControl: Sendable {
    private let sources: [Configuration]
    /// Who asks, for the audit.
    private let actor: String

    package init(_ configuration: Configuration, actor: String) {
        sources = configuration.bySource
        self.actor = actor
    }

    package init(_ configuration: Configuration) {
        self.init(configuration, actor: CommandActor.current)
    }

    /// All jobs, the newest first.
    package func list() async throws -> [Job] {
        var all: [Job] = []
        for source in sources { all += try await with(source) { try await $0.all() } }
        return sources.count == 1 ? all : all.sorted { $0.createdAt > $1.createdAt }
    }

    /// The configuration as the source of a job has it.
    ///
    /// - Throws: where none has a job of that name, or several have.
    package func configuration(of name: String) async throws -> Configuration {
        try Self.check(name)
        if sources.count == 1 { return sources[0] }
        var (found, unseen) = ([Configuration](), (any Error)?.none)
        for source in sources {
            do {
                if try await with(source, { try await $0.find(name) }) != nil { found.append(source) }
            } catch {
                // A database that is away keeps nobody from the jobs of another.
                unseen = unseen ?? error
            }
        }
        guard let only = found.first else { throw unseen ?? JobError.unknown(name) }
        if found.count > 1 {
            let names = found.compactMap(\.sourceName).joined(separator: ", ")
            throw Failure(.usage, "there is a job \(name) in each of the sources \(names): name one by --source")
        }
        return only
    }

    /// A job, and its runs.
    ///
    /// - Throws: where there is none of that name.
    package func show(_ name: String) async throws -> (job: Job, runs: [JobRunRecord]) {
        try await with(try await configuration(of: name)) { jobs in
            guard let job = try await jobs.find(name) else { throw JobError.unknown(name) }
            return (job, try await jobs.runs(of: name))
        }
    }

    /// Has a job stopped, resumed or cancelled, and relays notice at once.
    package func change(_ name: String, _ request: JobLife.Request) async throws -> (job: Job, isChanged: Bool) {
        let source = try await configuration(of: name)
        return try await source.database.withConnection { connection in
            let result = try await jobs(source, on: connection).change(name, request)
            if result.isChanged { try await source.notifyOfJobs(on: connection) }
            return result
        }
    }

    /// Makes a job like one that has ended, for relays.
    package func again(_ name: String) async throws -> Job {
        let source = try await configuration(of: name)
        return try await source.database.withConnection { connection in
            let job = try await jobs(source, on: connection).repeatJob(name)
            try await source.notifyOfJobs(on: connection)
            return job
        }
    }

    /// No job has a name that none can have; the database would not take each of those.
    private static func check(_ name: String) throws(JobError) {
        guard JobName.isValid(name) else { throw .unknown(LogLine.harmless(String(name.prefix(120)))) }
    }

    private func jobs(_ source: Configuration, on connection: Connection) -> Jobs {
        Jobs(connection, tables: source.database.tables, actor: actor)
    }

    private func with<Value: Sendable>(
        _ source: Configuration, _ body: (Jobs) async throws -> Value
    ) async throws -> Value {
        try await source.database.withConnection { try await body(jobs(source, on: $0)) }
    }
}

extension Configuration {
    /// Has relays look for jobs at once, where they listen; else they do with their next heartbeat.
    func notifyOfJobs(on connection: Connection) async throws {
        guard notify.mode != .never else { return }
        try await connection.query(ControlsTable(database.tables).tell(notify.channel))
    }
}
