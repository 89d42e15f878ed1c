import EventSourcing
import Postgres
import Synchronization
import TestSupport

@testable import Consumers

/// Writers of every kind that the horizon must stand: each draws positions in its own order, and ends in its own way.
final class LooksWriters: Sendable {
    /// A transaction that is prepared and waits for another session to end it.
    private struct Prepared {
        let name: String
        let positions: [Int64]
        let pause: Duration
    }

    private struct State {
        var committed: [Int64] = []
        var count: [String: Int] = [:]
        var isStopped = false
        var preparedOpen = 0
    }

    private let test: TestStore
    private let seed: UInt64
    private let allowsPrepared: Bool
    private let state = Mutex(State())

    /// So many transactions are prepared at a time: others may use the server too.
    private static let mostPrepared = 4

    init(_ test: TestStore, seed: UInt64, allowsPrepared: Bool) {
        self.test = test
        self.seed = seed
        self.allowsPrepared = allowsPrepared
    }

    /// The positions whose transactions are committed.
    var committed: [Int64] { state.withLock { $0.committed } }
    /// How many transactions of each kind there were.
    var count: [String: Int] { state.withLock { $0.count } }

    /// Lets the writers end their transactions.
    func stop() { state.withLock { $0.isStopped = true } }

    /// Writes until ``stop()``, with all transactions ended when this returns.
    func run(_ writers: Int) async throws {
        let (prepared, waiting) = AsyncStream.makeStream(of: Prepared.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.end(prepared) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<writers { group.addTask { try await self.write(number, waiting) } }
                defer { waiting.finish() }
                try await group.waitForAll()
            }
            try await group.waitForAll()
        }
    }

    // MARK: A writer

    private func write(_ number: Int, _ waiting: AsyncStream<Prepared>.Continuation) async throws {
        var random = Seeded(seed &+ UInt64(number) &* 1_000)
        let connection = try await test.connect()
        var round = 0
        while !state.withLock({ $0.isStopped }) {
            round += 1
            try await connection.execute(script: "BEGIN")
            let positions = try await draw(on: connection, using: &random)
            try await pause(using: &random)
            let outcome = Int.random(in: 0..<100, using: &random)
            if outcome < 10 {
                try await connection.execute(script: "ROLLBACK")
                note("rolled back")
            } else if outcome < 20, allowsPrepared, takePrepared() {
                let name = "\(test.tables.godwitSchema)-\(number)-\(round)"
                try await connection.execute(script: "PREPARE TRANSACTION '\(name)'")
                let pause = Duration.microseconds(Int.random(in: 0...10_000, using: &random))
                waiting.yield(Prepared(name: name, positions: positions, pause: pause))
            } else {
                try await connection.execute(script: "COMMIT")
                note("committed", positions)
            }
        }
        await connection.close()
    }

    /// Draws positions and inserts events.
    ///
    /// - Returns: the positions of the events that the transaction holds.
    private func draw(on connection: Connection, using random: inout Seeded) async throws -> [Int64] {
        let few = Int64.random(in: 1...3, using: &random)
        switch Int.random(in: 0..<60, using: &random) {
        case 0..<20:
            note("drew first")
            let drawn = try await connection.query(Statement(drawSQL), few)
            try await pause(using: &random)
            return try await insert(at: try drawn.map { try $0.decode(0) }, on: connection)
        case 20..<30:
            note("rolled back to a savepoint")
            try await connection.execute(script: "SAVEPOINT s")
            _ = try await insert(few, on: connection)
            try await connection.execute(script: "ROLLBACK TO s")
            // Now and then nothing else comes, and the transaction ends with positions that nobody uses.
            return Bool.random(using: &random) ? [] : try await insert(few, on: connection)
        case 30..<35:
            note("drew and did not insert")
            try await connection.query(Statement(drawSQL), few)
            return []
        case 35:
            note("inserted many")
            return try await insert(Int64.random(in: 20...200, using: &random), on: connection)
        default:
            note("inserted")
            return try await insert(few, on: connection)
        }
    }

    private var drawSQL: String {
        """
        SELECT nextval(pg_get_serial_sequence('\(test.tables.events.sql)', 'global_position'))
        FROM generate_series(1, $1::bigint)
        """
    }

    /// Inserts so many events, whose positions the column's default draws.
    private func insert(_ count: Int64, on connection: Connection) async throws -> [Int64] {
        let sql = """
            INSERT INTO \(test.tables.events.sql)
                (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, payload)
            SELECT 'Context', 'Type', gen_random_uuid()::text, 1, gen_random_uuid(), 'x', ''
            FROM generate_series(1, $1::bigint) RETURNING global_position
            """
        return try await connection.query(Statement(sql), count).map { try $0.decode(0) }
    }

    /// Inserts an event at each of the positions, which were drawn before.
    private func insert(at positions: [Int64], on connection: Connection) async throws -> [Int64] {
        let sql = """
            INSERT INTO \(test.tables.events.sql) (global_position, bounded_context, aggregate_type, aggregate_id,
                aggregate_version, event_id, event_type, payload)
            SELECT position, 'Context', 'Type', gen_random_uuid()::text, 1, gen_random_uuid(), 'x', ''
            FROM unnest($1::bigint[]) AS position
            """
        try await connection.query(Statement(sql), positions)
        return positions
    }

    /// Mostly short; a few transactions stay open so long that hundreds of gaps gather behind them.
    private func pause(using random: inout Seeded) async throws {
        switch Int.random(in: 0..<300, using: &random) {
        case 0: try await Task.sleep(for: .milliseconds(Int.random(in: 100...400, using: &random)))
        case 1..<180: try await Task.sleep(for: .microseconds(Int.random(in: 0...15_000, using: &random)))
        case 180..<260: try await Task.sleep(for: .microseconds(Int.random(in: 0...1_000, using: &random)))
        default: break
        }
    }

    // MARK: Prepared transactions

    private func takePrepared() -> Bool {
        state.withLock {
            if $0.preparedOpen == Self.mostPrepared { return false }
            $0.preparedOpen += 1
            return true
        }
    }

    /// Ends prepared transactions in a session that has not prepared them.
    private func end(_ prepared: AsyncStream<Prepared>) async throws {
        var random = Seeded(seed &- 1)
        let connection = try await test.connect()
        for await transaction in prepared {
            try await Task.sleep(for: transaction.pause)
            let commits = Int.random(in: 0..<5, using: &random) > 0
            try await connection.execute(
                script: "\(commits ? "COMMIT" : "ROLLBACK") PREPARED '\(transaction.name)'")
            note(
                commits ? "prepared and committed" : "prepared and rolled back", commits ? transaction.positions : [])
            state.withLock { $0.preparedOpen -= 1 }
        }
        await connection.close()
    }

    private func note(_ kind: String, _ committed: [Int64] = []) {
        state.withLock {
            $0.count[kind, default: 0] += 1
            $0.committed += committed
        }
    }
}
