import Postgres
import TestSupport
import Testing

@testable import EventSourcing

@Suite struct ReadTests {
    @Test func `a scope of types, contexts, both or none is met`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            for (context, type) in [("A", "x"), ("A", "y"), ("B", "x"), ("B", "z")] {
                try await connection.withTransaction {
                    _ = try await test.store.append(
                        [.sample("1", context: context, aggregateType: type)], expecting: .any, in: $0)
                }
            }
            func read(_ scope: EventScope) async throws -> [String] {
                try await test.store.readEvents(after: 0, limit: 100, scope: scope, in: connection)
                    .map { $0.boundedContext + $0.aggregateType }
            }
            #expect(try await read(.all) == ["Ax", "Ay", "Bx", "Bz"])
            #expect(try await read(EventScope(aggregateTypes: ["x"])) == ["Ax", "Bx"])
            #expect(try await read(EventScope(boundedContexts: ["B"])) == ["Bx", "Bz"])
            #expect(try await read(EventScope(aggregateTypes: ["x", "z"], boundedContexts: ["B"])) == ["Bx", "Bz"])
            #expect(try await read(EventScope(aggregateTypes: ["none"])) == [])
            #expect(
                try await test.store.readEvents(after: 1, limit: 2, in: connection).map(\.globalPosition) == [2, 3])
            await connection.close()
        }
    }

    @Test func `metadata of any kind of JSON is read, also where its size counts`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let values = ["'null'", "'\"k\"'", "'1'", "'true'", "'[]'", "'{}'", "'[null, 1]'", "NULL"]
            for (index, value) in values.enumerated() {
                try await connection.execute(
                    script: """
                        INSERT INTO \(test.tables.events.sql) (bounded_context, aggregate_type, aggregate_id, aggregate_version,
                            event_id, event_type, payload, metadata)
                        VALUES ('Shop', 'Order', 'a\(index)', 1, gen_random_uuid(), 'E', 'x', \(value)::jsonb)
                        """)
            }
            let table = EventsTable(test.tables.source)
            for bound in [PayloadLimit.none, .perRow(1_000), .cumulative(1_000_000)] {
                let rows = try await connection.query(table.read(after: 0, limit: 100, bound: bound, scope: .all))
                #expect(try EventBatch(rows).count == values.count)
            }
            await connection.close()
        }
    }

    @Test func `a read keeps to its bound of bytes, by each payload or by all together`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let sizes = [10, 20, 300, 5, 40]
            try await connection.withTransaction {
                let events = sizes.map { Event.sample(payload: String(repeating: "x", count: $0)) }
                _ = try await test.store.append(events, expecting: .any, in: $0)
            }
            let table = EventsTable(test.tables.source)
            func rows(after position: Int64, _ bound: PayloadLimit) async throws -> ResultSet {
                try await connection.query(table.read(after: position, limit: 100, bound: bound, scope: .all))
            }
            func total(after position: Int64, _ bytes: Int) async throws -> [Int] {
                try EventBatch(await rows(after: position, .cumulative(bytes))).map { $0.payload.byteCount }
            }
            // The payload that is too large does not come, and ends what is read.
            let each = try await rows(after: 0, .perRow(100))
            #expect(each.count == 5)
            #expect(try EventBatch(beforeMissingPayload: each).map { $0.payload.byteCount } == [10, 20])
            let none = try await EventBatch(beforeMissingPayload: rows(after: 2, .perRow(100)))
            #expect(none.isEmpty)
            let all = try await EventBatch(beforeMissingPayload: rows(after: 0, .perRow(300)))
            #expect(all.map { $0.payload.byteCount } == sizes)
            // The row that reaches the bound is the last one; the first comes whatever its size.
            // The texts of each count too, 32 bytes.
            #expect(try await total(after: 0, 30 + 64) == [10, 20])
            #expect(try await total(after: 0, 31 + 64) == [10, 20, 300])
            #expect(try await total(after: 2, 1) == [300])
            let cut = try EventBatch(await rows(after: 0, .cumulative(30 + 64)))
            #expect(cut.isCut && cut.found == 5)
            let whole = try EventBatch(await rows(after: 0, .cumulative(10_000)))
            #expect(!whole.isCut && whole.found == 5 && whole.allSatisfy { $0.withheldBytes == nil })
            await connection.close()
        }
    }

    /// Compressed, so that the rows look small in the table.
    @Test(arguments: ["metadata", "trace_id", "correlation_id", "causation_id"])
    func `a large value in any column ends a read like a large payload`(_ column: String) async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let text = "repeat('x', CASE WHEN i = 3 THEN 100000 ELSE 10 END)"
            let value = column == "metadata" ? "jsonb_build_object('a', \(text))" : text
            try await connection.execute(
                script: """
                    INSERT INTO \(test.tables.events.sql) (bounded_context, aggregate_type, aggregate_id,
                        aggregate_version, event_id, event_type, payload, \(column))
                    SELECT 'C', 'T', 'a', i, gen_random_uuid(), 'E', '', \(value) FROM generate_series(1, 5) AS i
                    """)
            let table = EventsTable(test.tables.source)
            func rows(after position: Int64, _ bound: PayloadLimit) async throws -> ResultSet {
                try await connection.query(table.read(after: position, limit: 100, bound: bound, scope: .all))
            }
            let each = try await rows(after: 0, .perRow(1_000))
            #expect(each.memorySize < 50_000, "the value came")
            let before = try EventBatch(beforeMissingPayload: each)
            #expect(before.map(\.globalPosition) == [1, 2] && before.isCut)
            let cut = try EventBatch(await rows(after: 0, .cumulative(1_000)))
            #expect(cut.map(\.globalPosition) == [1, 2, 3] && cut.isCut && cut.last?.byteCount ?? 0 > 100_000)
            let all = try EventBatch(await rows(after: 0, .cumulative(1_000_000)))
            #expect(all.count == 5 && !all.isCut)
            await connection.close()
        }
    }

    @Test func `a payload that nobody can take stays behind, and its length comes`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let sizes = [10, 3_000, 1_000, 1_001, 5]
            try await connection.withTransaction {
                let events = sizes.map { Event.sample(payload: String(repeating: "x", count: $0)) }
                _ = try await test.store.append(events, expecting: .any, in: $0)
            }
            let table = EventsTable(test.tables.source)
            let reads = [
                table.read(after: 0, limit: 100, bound: .cumulative(1_500), largest: 1_000, scope: .all),
                table.readAll(after: 0, limit: 100, bound: .cumulative(1_500), largest: 1_000, wanted: .all),
                table.readAll(in: [1...9], limit: 100, bytes: 1_500, largest: 1_000, wanted: .all),
                table.read(at: [1, 2, 3, 4, 5], maximumBytes: 1_500, largest: 1_000),
                table.read(EventSelection(), after: 0, through: 9, limit: 100, maximumBytes: 1_500, largest: 1_000),
            ]
            for read in reads {
                let events = try EventBatch(await connection.query(read))
                #expect(events.map(\.payloadLength) == sizes)
                #expect(events.map(\.withheldBytes) == [nil, 3_000, nil, 1_001, nil])
                #expect(events.map { $0.payload.byteCount } == [10, 0, 1_000, 0, 5])
                #expect(events.allSatisfy { $0.defect(includesMetadata: true) == nil })
            }
            await connection.close()
        }
    }

    @Test func `a stream is read whole, in part, and empty`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let aggregate = Event.sample().aggregate
            let empty = try await test.store.readStream(aggregate, in: connection)
            #expect(empty.isEmpty && empty.version == 0 && empty.length == 0)
            try await connection.withTransaction {
                _ = try await test.store.append((0..<10).map { _ in .sample() }, expecting: .any, in: $0)
            }
            let part = try await test.store.readStream(aggregate, fromVersion: 3, toVersion: 5, in: connection)
            #expect(part.events.map(\.aggregateVersion) == [3, 4, 5])
            #expect(part.version == 5 && part.length == 3)
            #expect(try await test.store.readStream(aggregate, fromVersion: 9, in: connection).length == 2)
            await connection.close()
        }
    }

    @Test func `a table whose payload is no bytea is refused with the column's name`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            try await connection.execute(
                script: "ALTER TABLE \(test.tables.events.sql) ALTER COLUMN payload TYPE text USING payload::text")
            let error = await #expect(throws: EventStoreError.self) {
                try await test.store.readEvents(after: 0, limit: 1, in: connection)
            }
            #expect(error?.description.contains("payload") == true)
            await connection.close()
        }
    }
}
