import EventSourcing
import Postgres
import TestSupport
import Testing

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
