import Consumers
import EventSourcing
import Logging
import Postgres

/// The right to run a job: a session lock that nobody else has, and the epoch under which its row is written.
actor JobLease {
    private let name: String
    private let owner: String
    private let configuration: ConnectionConfiguration
    private let table: JobsTable
    private let logger: Logger
    private var connection: Connection?
    private var epoch: Int64 = 0

    init(
        _ name: String, owner: String, configuration: ConnectionConfiguration, tables: TableNames, logger: Logger
    ) {
        self.name = name
        self.owner = owner
        self.configuration = configuration
        self.table = JobsTable(tables)
        self.logger = logger
    }

    /// Takes the job.
    ///
    /// - Throws: ``JobError`` where it cannot be had.
    func take() async throws -> Job {
        let connection = try await Connection.open(configuration, logger: logger)
        do {
            guard try await connection.query(table.lock(name)).first?.decode(0) == true else {
                let owner = try await find(on: connection).owner
                throw JobError.taken(name, owner: owner ?? "another process")
            }
            guard let row = try await connection.query(table.take(name, owner: owner)).first else {
                let job = try await find(on: connection)
                throw job.state == .done ? JobError.done(name) : JobError.cancelled(name)
            }
            epoch = try row.decode(0)
            let job = try await find(on: connection)
            self.connection = connection
            return job
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Writes how far the job has come, and finds out whether it is still this one's to run.
    ///
    /// - Throws: ``JobError`` where it is not.
    func save(checkpoint: Int64, published: Int64) async throws {
        let connection = try await session()
        do {
            let save = table.save(name, epoch: epoch, checkpoint: checkpoint, published: published)
            if try await connection.query(save).affectedRows == 1 { return }
            let job = try await find(on: connection)
            throw job.state == .cancelled
                ? JobError.cancelled(name) : JobError.lost(name, owner: job.owner ?? "another process")
        } catch {
            if error.isRecoverable { await drop() }
            throw error
        }
    }

    /// Says how the run has ended.
    func end(_ state: Job.State, error text: String?) async throws {
        let connection = try await session()
        do {
            try await connection.query(table.end(name, epoch: epoch, as: state, error: text))
        } catch {
            if error.isRecoverable { await drop() }
            throw error
        }
    }

    /// Gives the lock back.
    func drop() async {
        await connection?.close()
        connection = nil
    }

    private func session() async throws -> Connection {
        if let connection { return connection }
        let connection = try await Connection.open(configuration, logger: logger)
        do {
            // The server may not have noticed yet that the former session is gone.
            guard try await connection.query(table.lock(name)).first?.decode(0) == true else {
                let job = try await find(on: connection)
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

    private func find(on connection: Connection) async throws -> Job {
        guard let row = try await connection.query(table.find(name)).first else { throw JobError.unknown(name) }
        return try Job(row)
    }
}
