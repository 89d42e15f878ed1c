import FoundationEssentials
import Postgres
import Synchronization
import TestSupport

/// Writers of every kind: late commits, positions drawn first, savepoints, rollbacks, prepared transactions, COPY, many rows at
/// once. What they have committed is known, but for transactions whose connection ended while they committed.
final class Writers: Sendable {
    struct Account: Sendable {
        /// Event ids of transactions that were acknowledged.
        var committed: Set<String> = []
        /// Event ids of transactions that were rolled back.
        var rolledBack: Set<String> = []
        var transactions: [String: Int] = [:]
    }

    private struct State {
        var account = Account()
        var isStopped = false
    }

    private let world: World
    private let seed: UInt64
    private let pace: Duration
    private let state = Mutex(State())

    /// - Parameter pace: the mean time between two transactions of a writer.
    init(_ world: World, seed: UInt64, pace: Duration) {
        self.world = world
        self.seed = seed
        self.pace = pace
    }

    var account: Account { state.withLock { $0.account } }

    func stop() { state.withLock { $0.isStopped = true } }

    private var isStopped: Bool { state.withLock { $0.isStopped } }

    /// Writes until ``stop()``.
    func run(_ count: Int) async {
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<count { group.addTask { await self.write(number) } }
        }
    }

    private func write(_ number: Int) async {
        var random = Seeded(seed &+ UInt64(number) &* 7_919)
        var connection: Connection?
        var round = 0
        while !isStopped {
            round += 1
            do {
                let open: Connection
                if let connection { open = connection } else { open = try await world.connect() }
                connection = open
                try await transaction(number, round, on: open, &random)
            } catch {
                // The server is away, or has ended the session: what was committed is asked for at the end.
                await connection?.close()
                connection = nil
                try? await Task.sleep(for: .milliseconds(100))
            }
            let wait = pace * Double.random(in: 0...2, using: &random)
            if wait > .zero { try? await Task.sleep(for: wait) }
        }
        await connection?.close()
    }

    private func transaction(_ number: Int, _ round: Int, on connection: Connection, _ random: inout Seeded)
        async throws
    {
        let kind = Int.random(in: 0..<100, using: &random)
        let hold = Duration.microseconds(Int.random(in: 0...20_000, using: &random))
        let rollsBack = Int.random(in: 0..<10, using: &random) == 0
        let isPrepared = Int.random(in: 0..<25, using: &random) == 0
        let few = Int.random(in: 1...5, using: &random)
        let isMany = kind >= 40 && Int.random(in: 0..<240, using: &random) == 0
        let ids = (0..<(isMany ? 10_000 : few)).map { _ in Self.id(&random) }
        let rows = ids.map { row(number, $0, &random) }
        let name: String
        try await connection.execute(script: "BEGIN")
        switch kind {
        case 0..<20:
            name = "drew first"
            let drawn = try await connection.query(
                Statement("SELECT nextval('events_global_position_seq') FROM generate_series(1, $1::bigint)"),
                Int64(few))
            try await Task.sleep(for: hold)
            let positions: [Int64] = try drawn.map { try $0.decode(0) }
            for (row, position) in zip(rows, positions) { try await insert([row], at: position, on: connection) }
        case 20..<30:
            name = "savepoint"
            try await connection.execute(script: "SAVEPOINT s")
            try await insert([row(number, Self.id(&random), &random)], on: connection)
            try await connection.execute(script: "ROLLBACK TO s")
            try await insert(rows, on: connection)
        case 30..<40:
            name = "one by one"
            for row in rows { try await insert([row], on: connection) }
        default:
            name = isMany ? "many rows" : "inserted"
            try await insert(rows, on: connection)
        }
        try await Task.sleep(for: hold)
        if rollsBack {
            try await connection.execute(script: "ROLLBACK")
            note("rolled back") { $0.rolledBack.formUnion(ids) }
        } else if isPrepared {
            let transaction = "torture-\(number)-\(round)-\(seed)"
            try await connection.execute(script: "PREPARE TRANSACTION '\(transaction)'")
            try await Task.sleep(for: hold)
            try await connection.execute(script: "COMMIT PREPARED '\(transaction)'")
            note("prepared") { $0.committed.formUnion(ids) }
        } else {
            try await connection.execute(script: "COMMIT")
            note(name) { $0.committed.formUnion(ids) }
        }
    }

    private struct Row {
        let context: String
        let aggregate: String
        let id: String
        let type: String
    }

    private func row(_ number: Int, _ id: String, _ random: inout Seeded) -> Row {
        let context = ["Orders", "Billing", "Stock"][Int.random(in: 0..<3, using: &random)]
        return Row(
            context: context, aggregate: "\(context.lowercased())-\(number)-\(Int.random(in: 0..<12, using: &random))",
            id: id,
            type: ["Placed", "Changed", "Noted"][Int.random(in: 0..<3, using: &random)])
    }

    private static func id(_ random: inout Seeded) -> String {
        let bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
        let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        return [hex[0..<4], hex[4..<6], hex[6..<8], hex[8..<10], hex[10..<16]].map { $0.joined() }.joined(
            separator: "-")
    }

    private func insert(_ rows: [Row], at position: Int64? = nil, on connection: Connection) async throws {
        // Versions are of no use here: an aggregate has one writer, whose order is that of the positions.
        let sql = """
            INSERT INTO events (\(position == nil ? "" : "global_position, ")bounded_context, aggregate_type, aggregate_id,
                aggregate_version, event_id, event_type, payload)
            SELECT \(position.map { "\($0), " } ?? "")context, 'Thing', aggregate,
                coalesce((SELECT max(aggregate_version) FROM events AS other WHERE other.bounded_context = context
                    AND other.aggregate_type = 'Thing' AND other.aggregate_id = aggregate), 0)
                    + row_number() OVER (PARTITION BY context, aggregate ORDER BY number),
                id, type, convert_to('{"writer":true}', 'UTF8')
            FROM unnest($1::text[], $2::text[], $3::uuid[], $4::text[]) WITH ORDINALITY
                AS new (context, aggregate, id, type, number) ORDER BY number
            """
        try await connection.query(
            Statement(sql), rows.map(\.context), rows.map(\.aggregate), rows.compactMap { UUID(uuidString: $0.id) },
            rows.map(\.type))
    }

    private func note(_ kind: String, _ change: (inout Account) -> Void) {
        state.withLock { state in
            state.account.transactions[kind, default: 0] += 1
            change(&state.account)
        }
    }
}
