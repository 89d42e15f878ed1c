import EventSourcing
import Postgres
import TestSupport
import Testing

@testable import Consumers

@Suite struct LeaseTests {
    private let start = ContinuousClock.now

    private func lease() throws -> Lease {
        var lease = Lease(try LeaseTerms(beat: .seconds(2), stale: .seconds(30)))
        lease.renew(sent: start, now: start)
        return lease
    }

    @Test func `a lease ends two beats after the heartbeat was sent, a second before others may act`() throws {
        let lease = try lease()
        #expect(lease.current(at: start.advanced(by: .seconds(3.9))) != nil)
        #expect(lease.current(at: start.advanced(by: .seconds(4))) == nil)
        #expect(try LeaseTerms(beat: .seconds(2), stale: .seconds(30)).takeover == .seconds(5))
    }

    @Test func `an answer that comes late prolongs nothing beyond what was sent`() throws {
        var lease = try lease()
        lease.renew(sent: start.advanced(by: .seconds(2)), now: start.advanced(by: .seconds(3.9)))
        #expect(lease.current(at: start.advanced(by: .seconds(6))) == nil)
    }

    @Test func `a lease that ran out is followed by another, not prolonged`() throws {
        var lease = try lease()
        let first = lease.current(at: start)
        let soon = start.advanced(by: .seconds(2))
        lease.renew(sent: soon, now: soon)
        #expect(lease.current(at: soon) == first)
        let late = start.advanced(by: .seconds(100))
        lease.renew(sent: late, now: late)
        #expect(lease.current(at: late) != nil)
        #expect(lease.current(at: late) != first)
    }

    @Test func `a row that had to be made begins another lease`() throws {
        var lease = try lease()
        let first = lease.current(at: start)
        let soon = start.advanced(by: .seconds(2))
        lease.renew(sent: soon, isBegun: true, now: soon)
        #expect(lease.current(at: soon) != nil)
        #expect(lease.current(at: soon) != first)
    }

    @Test func `terms by which two workers could own a segment at once are refused`() throws {
        for (limit, takeover, stale) in [(5, 5, 30), (4, 4, 30), (4, 5, 4), (9, 5, 30)] {
            #expect(throws: InvalidLeaseTerms.self) {
                try LeaseTerms(
                    beat: .seconds(2), ownerLimit: .seconds(limit), takeover: .seconds(takeover), stale: .seconds(stale)
                )
            }
        }
    }

    @Test(arguments: [1, 50, 2000, 600_000])
    func `every beat that the options allow makes valid terms`(milliseconds: Int) throws {
        var options = WorkerOptions()
        options.heartbeatInterval = .milliseconds(milliseconds)
        options.staleThreshold = options.heartbeatInterval * 3
        try options.validate()
        _ = try options.leaseTerms()
    }
}

/// The SQL by which rows are judged against the pure rule.
@Suite struct WorkerRowTests {
    @Test func `the SQL takes for dead exactly the rows that the rule does`() async throws {
        try await TestStore.with { test in
            let (connection, holder) = (try await test.connect(), try await test.connect())
            let table = WorkersTable(test.tables)
            for seed in seeds(20, of: "rows of workers") {
                var random = Seeded(seed)
                var rows: [String: WorkerRow] = [:]
                for number in 0..<40 {
                    let own = Int.random(in: 0...3, using: &random)
                    let row = WorkerRow(
                        // Not so near below a limit that the time of the look decides.
                        age: .seconds(Int.random(in: -2...40, using: &random)) + .milliseconds(50),
                        hasSessionLock: Bool.random(using: &random), isLockFree: Bool.random(using: &random),
                        takeoverAfter: own > 1 ? .seconds(Int.random(in: 1...20, using: &random)) : nil,
                        staleAfter: own > 0 ? .seconds(Int.random(in: 1...35, using: &random)) : nil)
                    rows["s\(seed)-\(number)"] = row
                }
                let ownStale: Duration = .seconds(Int.random(in: 3...30, using: &random))
                try await insert(rows, test, connection, holder)
                let live = try await connection.query(table.live(["c"], ownStale: ownStale)).map {
                    try $0.decode(1, as: String.self)
                }
                let statement = table.removeDead(
                    "judge", consumers: ["c"], ownStale: ownStale, missing: [], channel: "")
                let freed = try await connection.query(statement).first?.decode(1, as: Int.self)
                let left = try await connection.query(
                    Statement("SELECT worker_id FROM \(test.tables.consumerWorkers.sql)")
                ).map { try $0.decode(0, as: String.self) }
                let expected = Set(rows.filter { !$0.value.isDead(ownStale: ownStale) }.keys)
                #expect(Set(live) == expected, "seed \(seed)")
                #expect(Set(left) == expected, "seed \(seed)")
                #expect(freed == rows.count - expected.count, "seed \(seed)")
                try await holder.query("SELECT pg_advisory_unlock_all()")
                try await connection.execute(
                    script: "TRUNCATE \(test.tables.consumerWorkers.sql), \(test.tables.consumerSegments.sql)")
            }
            await connection.close()
            await holder.close()
        }
    }

    /// Writes the rows down, each the owner of a segment, and takes their locks.
    private func insert(
        _ rows: [String: WorkerRow], _ test: TestStore, _ connection: Connection, _ holder: Connection
    ) async throws {
        for (name, row) in rows {
            try await connection.query(
                Statement(
                    """
                    INSERT INTO \(test.tables.consumerWorkers.sql)
                        (consumer_name, worker_id, condition, last_heartbeat, session_lock, takeover_after, stale_after)
                    VALUES ('c', $1, $2::float8::text, clock_timestamp(), $3, $4, $5)
                    """), name, row.age / .seconds(1), row.hasSessionLock, row.takeoverAfter.map { $0 / .seconds(1) },
                row.staleAfter.map { $0 / .seconds(1) })
            if !row.isLockFree {
                try await holder.query("SELECT pg_advisory_lock(hashtextextended('godwit worker ' || $1, 0))", name)
            }
        }
        try await connection.execute(
            script: """
                INSERT INTO \(test.tables.consumerSegments.sql) (consumer_name, segment_id, total_segments, owner_id)
                SELECT 'c', row_number() OVER () - 1, 40, worker_id FROM \(test.tables.consumerWorkers.sql);
                UPDATE \(test.tables.consumerWorkers.sql)
                    SET last_heartbeat = clock_timestamp() - make_interval(secs => condition::float8);
                """)
    }
}
