import EventSourcing
import Postgres
import TestSupport
import Testing

@testable import Consumers

@Suite struct NoGapTests {
    /// What 16 writers did: which events are committed, in the order of each aggregate's versions.
    private actor Ledger {
        private(set) var committed: [String: [Int64]] = [:]
        private(set) var rolledBack: Set<Int64> = []

        func committed(_ aggregate: String, _ position: Int64) { committed[aggregate, default: []].append(position) }
        func rolledBack(_ position: Int64) { rolledBack.insert(position) }
    }

    private struct RollBack: Error {}

    /// Sixteen writers hold their transactions open for 0–50 ms after the insert; 10% roll back, 5% are prepared first.
    private static func write(_ test: TestStore, writer: Int, rounds: Int, _ ledger: Ledger) async throws {
        var random = Seeded(UInt64(writer))
        let connection = try await test.connect()
        for round in 0..<rounds {
            let aggregate = "aggregate-\(writer)-\(round % 5)"
            let outcome = Int.random(in: 0..<100, using: &random)
            let pause = Duration.milliseconds(Int.random(in: 0...50, using: &random))
            if outcome < 5 {
                let name = "\(test.tables.godwitSchema)-\(writer)-\(round)"
                try await writePrepared(test, aggregate, name: name, rollsBack: outcome == 0, pause, ledger)
                continue
            }
            do {
                try await connection.withTransaction { transaction in
                    let result = try await test.store.append([.sample(aggregate)], expecting: .any, in: transaction)
                    try await transaction.query("SELECT pg_sleep($1)", pause / .seconds(1))
                    if outcome < 15 {
                        await ledger.rolledBack(result.positions[0])
                        throw RollBack()
                    }
                    await ledger.committed(aggregate, result.positions[0])
                }
            } catch is RollBack {}
        }
        await connection.close()
    }

    private static func writePrepared(
        _ test: TestStore, _ aggregate: String, name: String, rollsBack: Bool, _ pause: Duration, _ ledger: Ledger
    ) async throws {
        let connection = try await test.connect()
        // Prepared by hand: `withTransaction` commits or rolls back itself.
        try await connection.execute(script: "BEGIN")
        let sql = """
            INSERT INTO \(test.tables.events.sql) (bounded_context, aggregate_type, aggregate_id, aggregate_version,
            event_id, event_type, payload) VALUES ('Prepared', 'User', $1, 1, gen_random_uuid(), 'x', '')
            RETURNING global_position
            """
        let position: Int64 = try await connection.query(Statement(sql), name).first?.decode(0) ?? 0
        try await connection.execute(script: "PREPARE TRANSACTION '\(name)'")
        try await connection.query("SELECT pg_sleep($1)", pause / .seconds(1))
        if rollsBack {
            await ledger.rolledBack(position)
            try await connection.execute(script: "ROLLBACK PREPARED '\(name)'")
        } else {
            await ledger.committed(name, position)
            try await connection.execute(script: "COMMIT PREPARED '\(name)'")
        }
        await connection.close()
    }

    @Test(.enabled("the server allows prepared transactions") { try await preparedAllowed() })
    func `every committed event comes once and in order, and no other, whatever commits late`() async throws {
        try await TestStore.with { test in
            let ledger = Ledger()
            let consumer = RecordingConsumer()
            let source = try test.source()
            // An open transaction that has nothing to do with the events holds an old snapshot throughout.
            let idle = try await test.connect()
            try await idle.execute(script: "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT txid_current()")
            try await test.running(test.worker(consumer, source), source) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for writer in 0..<16 {
                        group.addTask { try await Self.write(test, writer: writer, rounds: 60, ledger) }
                    }
                    try await group.waitForAll()
                }
                try await consumer.wait(for: await ledger.committed.values.map(\.count).reduce(0, +))
            }
            await idle.close()
            let committed = await ledger.committed
            let relayed = consumer.all
            #expect(relayed.map(\.globalPosition) == committed.values.flatMap { $0 }.sorted())
            #expect(Set(relayed.map(\.globalPosition)).isDisjoint(with: await ledger.rolledBack))
            for (aggregate, positions) in committed {
                let events = relayed.filter { $0.aggregateID == aggregate }
                #expect(events.map(\.globalPosition) == positions)
                #expect(events.map(\.aggregateVersion) == Array(1...Int64(positions.count)))
            }
            #expect(await !ledger.rolledBack.isEmpty)
        }
    }

    private static func preparedAllowed() async throws -> Bool {
        let connection = try await Connection.open(ConnectionConfiguration(TestPostgres.shared.url()))
        let setting = try await connection.query("SELECT current_setting('max_prepared_transactions')::int >= 16")
        await connection.close()
        return try setting.first?.decode(0) ?? false
    }

    @Test func `a writer that holds the horizon back is named, and events before it go on`() async throws {
        try await TestStore.with { test in
            let consumer = RecordingConsumer()
            let source = try test.source()
            try await test.running(test.worker(consumer, source), source) {
                try await test.appendOneEach(3)
                let slow = try await test.connect()
                try await slow.withTransaction { transaction in
                    _ = try await test.store.append([.sample("slow")], expecting: .any, in: transaction)
                    try await test.appendOneEach(5)
                    try await consumer.wait(for: 3)
                    try await eventually("nobody is named") { try await !source.holds().isEmpty }
                    #expect(try await source.holds().map(\.processID) == [Int(slow.backendPID)])
                    #expect(consumer.all.count == 3)
                }
                try await consumer.wait(for: 9)
                await slow.close()
            }
            #expect(consumer.all.map(\.globalPosition) == Array(1...9))
        }
    }

    @Test func `transactions that overlap without end hold nothing for longer than the longest of them`() async throws {
        try await TestStore.with { test in
            let consumer = RecordingConsumer()
            let source = try test.source()
            try await test.running(test.worker(consumer, source), source) {
                var (open, next) = (try await test.connect(), try await test.connect())
                let insert = Statement(
                    """
                    INSERT INTO \(test.tables.events.sql) (bounded_context, aggregate_type, aggregate_id,
                        aggregate_version, event_id, event_type, payload)
                    VALUES ('Overlap', 'User', gen_random_uuid()::text, 1, gen_random_uuid(), 'x', '')
                    """)
                func begin(_ connection: Connection) async throws {
                    try await connection.execute(script: "BEGIN")
                    try await connection.query(insert)
                }
                try await test.appendOneEach(1)
                try await consumer.wait(for: 1)
                try await begin(open)
                let start = ContinuousClock.now
                var (count, longest) = (2, Duration.zero)
                for _ in 0..<100 {
                    // Behind the open one, an event that is visible shows that a position is missing.
                    try await begin(next)
                    try await test.appendOneEach(1)
                    count += 2
                    try await open.query("SELECT pg_sleep(0.02)")
                    try await open.execute(script: "COMMIT")
                    swap(&open, &next)
                    longest = max(longest, await source.reader.snapshot().waiting ?? .zero)
                }
                let took = ContinuousClock.now - start
                try await open.execute(script: "COMMIT")
                try await consumer.wait(for: count)
                #expect(longest > .zero, "there was never a gap")
                #expect(longest < took / 3)
                await open.close()
                await next.close()
            }
        }
    }
}
