import EventSourcing
import Postgres
import TestSupport
import Testing

/// Appends to aggregates whose events plain SQL has written, with no row in `aggregate_heads` or with one that is behind.
@Suite struct PlainSQLAppendTests {
    private let aggregate = Event.sample().aggregate

    /// Writes an event as a trigger or another program does: without the aggregate's head.
    private func insert(_ version: Int64, in test: TestStore, on session: some PostgresSession) async throws {
        let sql = """
            INSERT INTO \(test.tables.events.sql)
                (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, payload)
            VALUES ($1, $2, $3, $4, gen_random_uuid(), 'WrittenBySQL', '')
            """
        try await session.query(
            BoundStatement(
                Statement(sql),
                [aggregate.boundedContext, aggregate.aggregateType, aggregate.aggregateID, version]))
    }

    private func versions(in test: TestStore, on connection: Connection) async throws -> [Int64] {
        try await test.store.readStream(aggregate, in: connection).events.map(\.aggregateVersion)
    }

    private func head(in test: TestStore, on connection: Connection) async throws -> Int64? {
        try await connection.query(Statement("SELECT aggregate_version FROM \(test.tables.aggregateHeads.sql)"))
            .first?.decode(0)
    }

    @Test(arguments: [ExpectedVersion.any, .exact(3)])
    func `an append follows the events that are there without a head`(expected: ExpectedVersion) async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            for version in 1...3 { try await insert(Int64(version), in: test, on: connection) }
            let result = try await connection.withTransaction {
                try await test.store.append([.sample(), .sample()], expecting: expected, in: $0)
            }
            #expect(result.fromVersion == 3 && result.toVersion == 5)
            #expect(try await versions(in: test, on: connection) == [1, 2, 3, 4, 5])
            #expect(try await head(in: test, on: connection) == 5)
            await connection.close()
        }
    }

    @Test(arguments: [ExpectedVersion.any, .exact(4)])
    func `an append follows events that plain SQL wrote behind the head`(expected: ExpectedVersion) async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            _ = try await connection.withTransaction {
                try await test.store.append([.sample(), .sample()], expecting: .noStream, in: $0)
            }
            for version in 3...4 { try await insert(Int64(version), in: test, on: connection) }
            let result = try await connection.withTransaction {
                try await test.store.append([.sample()], expecting: expected, in: $0)
            }
            #expect(result.fromVersion == 4 && result.toVersion == 5)
            #expect(try await head(in: test, on: connection) == 5)
            await connection.close()
        }
    }

    @Test func `a wrong expectation names the version that the events have, and writes nothing`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            for version in 1...3 { try await insert(Int64(version), in: test, on: connection) }
            try await connection.withTransaction { transaction in
                for expected in [ExpectedVersion.noStream, .exact(0), .exact(2), .exact(4)] {
                    let error = await #expect(throws: EventStoreError.self) {
                        try await test.store.append([.sample()], expecting: expected, in: transaction)
                    }
                    #expect(error == .optimisticConcurrency(aggregate: aggregate, expected: expected, actual: 3))
                }
            }
            #expect(try await versions(in: test, on: connection) == [1, 2, 3])
            #expect(try await head(in: test, on: connection) == nil)
            await connection.close()
        }
    }

    @Test func `a head counts on although the events before it were deleted`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            _ = try await connection.withTransaction {
                try await test.store.append([.sample(), .sample()], expecting: .noStream, in: $0)
            }
            try await connection.query(Statement("DELETE FROM \(test.tables.events.sql)"))
            for expected in [ExpectedVersion.exact(2), .any] {
                _ = try await connection.withTransaction {
                    try await test.store.append([.sample()], expecting: expected, in: $0)
                }
            }
            #expect(try await versions(in: test, on: connection) == [3, 4])
            await connection.close()
        }
    }

    @Test func `appends at the same time to an aggregate without a head queue up`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            try await insert(1, in: test, on: connection)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        let own = try await test.connect()
                        for _ in 0..<5 {
                            _ = try await own.withTransaction {
                                try await test.store.append([.sample()], expecting: .any, in: $0)
                            }
                        }
                        await own.close()
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await versions(in: test, on: connection) == Array(1...31))
            await connection.close()
        }
    }

    @Test func `of appends at the same time that expect the version of headless events exactly one succeeds`()
        async throws
    {
        try await TestStore.with { test in
            let connection = try await test.connect()
            try await insert(1, in: test, on: connection)
            let successes = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        let own = try await test.connect()
                        defer { Task { await own.close() } }
                        do {
                            _ = try await own.withTransaction {
                                try await test.store.append([.sample()], expecting: .exact(1), in: $0)
                            }
                            return true
                        } catch let error as EventStoreError {
                            guard case .optimisticConcurrency = error else { throw error }
                            return false
                        }
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(successes == 1)
            #expect(try await versions(in: test, on: connection) == [1, 2])
            await connection.close()
        }
    }

    @Test func `a writer in plain SQL that is faster is a conflict, not a double version`() async throws {
        try await TestStore.with { test in
            let (connection, other) = (try await test.connect(), try await test.connect())
            try await insert(1, in: test, on: connection)
            let appending = try await other.withTransaction { transaction in
                try await insert(2, in: test, on: transaction)
                // Waits for the other's version 2, which is not committed yet.
                let appending = Task {
                    try await connection.withTransaction {
                        try await test.store.append([.sample()], expecting: .exact(1), in: $0)
                    }
                }
                let observer = try await test.connect()
                try await eventually("the append does not wait") {
                    try await observer.query(
                        "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = $1", Int32(connection.backendPID)
                    ).first?.decode(0, as: Int.self) == 1
                }
                await observer.close()
                return appending
            }
            let error = await #expect(throws: EventStoreError.self) { try await appending.value }
            #expect(error == .optimisticConcurrency(aggregate: aggregate, expected: .exact(1), actual: nil))
            #expect(try await versions(in: test, on: connection) == [1, 2])
            await connection.close()
            await other.close()
        }
    }
}
