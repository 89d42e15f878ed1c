import Consumers
package import EventSourcing
package import Logging
package import Postgres

/// The right to run a job: a session lock that nobody else has, and the epoch under which its row is written.
package actor JobLease {
    private let owner: String
    private let runner: JobLife.Runner
    private let configuration: ConnectionConfiguration
    private let table: JobsTable
    private let runs: JobRunsTable
    private let logger: Logger
    private var connection: Connection?
    private var name = ""
    private var epoch: Int64 = 0
    /// The job as it was when it was taken; `nil` before.
    package private(set) var job: Job?

    /// - Parameter owner: names this process to others.
    package init(
        owner: String, as runner: JobLife.Runner = .command, configuration: ConnectionConfiguration,
        tables: TableNames, logger: Logger
    ) {
        self.owner = owner
        self.runner = runner
        self.configuration = configuration
        self.table = JobsTable(tables)
        self.runs = JobRunsTable(tables)
        self.logger = logger
    }

    /// Takes a job.
    ///
    /// - Throws: ``JobError`` where it cannot be had.
    @discardableResult
    package func take(_ name: String) async throws -> Job {
        let connection = try await Connection.open(configuration, logger: logger)
        do {
            guard try await connection.query(table.lock(name)).first?.decode(0) == true else {
                let owner = try await find(name, on: connection).owner
                throw JobError.taken(name, owner: owner ?? "another process")
            }
            guard let job = try await begin(name, on: connection) else {
                let job = try await find(name, on: connection)
                throw job.state == .done ? JobError.done(name) : JobError.cancelled(name)
            }
            self.connection = connection
            return job
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Takes the first job that waits for a relay with these consumers; `nil` where none does.
    package func takeNext(_ consumers: [String]) async throws -> Job? {
        let connection = try await Connection.open(configuration, logger: logger)
        do {
            // One process at a time chooses: of two jobs of a consumer the second is seen to be the second.
            let job: Job? = try await connection.withTransaction { transaction in
                try await transaction.query(table.lockChoice)
                for row in try await transaction.query(table.ready(consumers)) {
                    let name: String = try row.decode(0)
                    guard try await transaction.query(table.lock(name)).first?.decode(0) == true else { continue }
                    if let job = try await begin(name, on: transaction) { return job }
                    try await transaction.query(table.unlock(name))
                }
                return nil
            }
            guard let job else {
                await connection.close()
                return nil
            }
            self.connection = connection
            return job
        } catch {
            await connection.close()
            throw error
        }
    }

    /// The lock is this session's.
    private func begin(_ name: String, on session: some PostgresSession) async throws -> Job? {
        guard let row = try await session.query(table.take(name, owner: owner, by: runner)).first else { return nil }
        (self.name, epoch) = (name, try row.decode(0))
        try await session.query(runs.begin(name, epoch: epoch))
        let job = try await find(name, on: session)
        self.job = job
        return job
    }

    /// Writes how far the job has come, and finds out whether it is still this one's to run.
    ///
    /// - Returns: what is wished.
    /// - Throws: ``JobError`` where it is not.
    func save(_ figures: JobFigures) async throws -> JobLife.Wish {
        let connection = try await session()
        do {
            if let row = try await connection.query(table.save(name, epoch: epoch, figures)).first {
                return JobLife.Wish(rawValue: try row.decode(0)) ?? .none
            }
            let job = try await find(name, on: connection)
            throw job.state == .cancelled
                ? JobError.cancelled(name) : JobError.lost(name, owner: job.owner ?? "another process")
        } catch {
            if error.isRecoverable { await drop() }
            throw error
        }
    }

    /// Writes how the run has ended; nothing where the job was cancelled, or is another's.
    ///
    /// - Returns: the job's life from then on; `nil` where nothing was written.
    @discardableResult
    package func end(_ ending: JobLife.Ending, error text: String? = nil) async throws -> JobLife? {
        let connection = try await session()
        let (name, epoch) = (self.name, self.epoch)
        do {
            return try await connection.withTransaction { transaction in
                try await transaction.query(table.lockRow(name))
                let job = try await find(name, on: transaction)
                guard job.epoch == epoch, job.state == .running else { return nil }
                var life = job.life
                life.end(ending)
                let isTriedAgain = ending == .failed(passes: true) && life.state == .queued
                let attempts = isTriedAgain ? job.attempts + 1 : 0
                try await transaction.query(
                    table.end(
                        name, epoch: epoch, life, error: text, attempts: attempts,
                        retryAfter: isTriedAgain ? JobLife.pause(afterAttempts: attempts) : nil))
                let outcome = isTriedAgain ? "failed" : life.state == .queued ? "given back" : life.state.rawValue
                try await transaction.query(runs.end(name, epoch: epoch, outcome: outcome, error: text))
                return life
            }
        } catch {
            if error.isRecoverable { await drop() }
            throw error
        }
    }

    /// Notes in the history that the run has ended, where the job was cancelled or is another's.
    func closeRun(_ outcome: String) async {
        try? await connection?.query(runs.end(name, epoch: epoch, outcome: outcome, error: nil))
    }

    /// Gives the lock back.
    package func drop() async {
        await connection?.close()
        connection = nil
    }

    private func session() async throws -> Connection {
        if let connection { return connection }
        let connection = try await Connection.open(configuration, logger: logger)
        do {
            // The server may not have noticed yet that the former session is gone.
            guard try await connection.query(table.lock(name)).first?.decode(0) == true else {
                let job = try await find(name, on: connection)
                guard job.epoch == epoch else {
                    throw JobError.lost(name, owner: job.owner ?? "another process")
                }
                throw PostgresError(.connectionLost, "the lock of the former session is still there")
            }
            self.connection = connection
            return connection
        } catch {
            await connection.close()
            throw error
        }
    }

    private func find(_ name: String, on session: some PostgresSession) async throws -> Job {
        guard let row = try await session.query(table.find(name)).first else { throw JobError.unknown(name) }
        return try Job(row)
    }
}
