import EventSourcing
import FoundationEssentials
import Postgres
import TestSupport
import Testing

@Suite struct AppendTests {
    private static func countsStatements() async throws -> Bool {
        let connection = try await Connection.open(ConnectionConfiguration(TestPostgres.shared.url()))
        let libraries = try await connection.query("SELECT current_setting('shared_preload_libraries')")
        await connection.close()
        return try libraries.first?.decode(0, as: String.self).contains("pg_stat_statements") == true
    }

    @Test func `versions and positions ascend from the first append on`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let events = (0..<1000).map { Event.sample(payload: "\($0)") }
            let first = try await connection.withTransaction {
                try await test.store.append(events, expecting: .noStream, in: $0)
            }
            #expect(first.fromVersion == 0)
            #expect(first.toVersion == 1000)
            #expect(first.positions == first.positions.sorted())
            #expect(Set(first.positions).count == 1000)
            let second = try await connection.withTransaction {
                try await test.store.append([.sample()], expecting: .exact(1000), in: $0)
            }
            #expect(second.fromVersion == 1000 && second.toVersion == 1001)
            let stream = try await test.store.readStream(Event.sample().aggregate, in: connection)
            #expect(stream.version == 1001)
            #expect(stream.events.map(\.aggregateVersion) == Array(1...1001))
            #expect(
                stream.events.prefix(1000).map { String(decoding: $0.payload, as: UTF8.self) }
                    == (0..<1000).map { "\($0)" })
            #expect(stream.events.map(\.globalPosition) == first.positions + second.positions)
            await connection.close()
        }
    }

    @Test func `every field comes back as it was`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let event = Event(
                boundedContext: "Billing", aggregateType: "Invoice", aggregateID: "日本語 'quoted'", eventID: UUID(),
                eventType: "InvoiceSent", eventVersion: 7, payload: [0, 255, 10], traceID: "t", correlationID: "c",
                causationID: "", metadata: #"{"k": [1, null]}"#, createdAt: Date(timeIntervalSince1970: 1_700_000_000.5)
            )
            try await connection.withTransaction { _ = try await test.store.append([event], expecting: .any, in: $0) }
            let read = try #require(try await test.store.readEvents(after: 0, limit: 10, in: connection).first)
            #expect(read.aggregate == event.aggregate)
            #expect(read.eventID == event.eventID)
            #expect(read.eventType == event.eventType)
            #expect(read.eventVersion == 7)
            #expect(read.payload == event.payload)
            #expect(read.traceID == "t" && read.correlationID == "c")
            #expect(read.causationID == nil, "an empty id is stored as NULL, as the Go library does")
            #expect(read.metadata == #"{"k": [1, null]}"#)
            #expect(read.createdAt == event.createdAt)
            await connection.close()
        }
    }

    @Test func `an append that does not find what it expects changes nothing`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let event = Event.sample()
            try await connection.withTransaction { transaction in
                for expected in [ExpectedVersion.exact(1), .exact(5)] {
                    let error = await #expect(throws: EventStoreError.self) {
                        try await test.store.append([event], expecting: expected, in: transaction)
                    }
                    #expect(
                        error == .optimisticConcurrency(aggregate: event.aggregate, expected: expected, actual: nil))
                }
                // The transaction is not failed: the conflict was seen before anything was written.
                _ = try await test.store.append([event, .sample()], expecting: .exact(0), in: transaction)
            }
            for expected in [ExpectedVersion.noStream, .exact(0), .exact(1), .exact(3)] {
                let error = await #expect(throws: EventStoreError.self) {
                    try await connection.withTransaction {
                        try await test.store.append([.sample()], expecting: expected, in: $0)
                    }
                }
                #expect(error == .optimisticConcurrency(aggregate: event.aggregate, expected: expected, actual: 2))
            }
            #expect(try await test.store.readStream(event.aggregate, in: connection).length == 2)
            #expect(try await test.store.latestPosition(in: connection) == 2, "a conflict draws no position")
            await connection.close()
        }
    }

    @Test func `of many appends that expect the same version exactly one succeeds`() async throws {
        try await TestStore.with { test in
            let outcomes = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let connection = try await test.connect()
                        defer { Task { await connection.close() } }
                        do {
                            try await connection.withTransaction {
                                _ = try await test.store.append([.sample()], expecting: .noStream, in: $0)
                            }
                            return true
                        } catch EventStoreError.optimisticConcurrency {
                            return false
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.filter { $0 }.count == 1)
        }
    }

    @Test func `appends that expect nothing queue up behind one another`() async throws {
        try await TestStore.with { test in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let connection = try await test.connect()
                        for _ in 0..<20 {
                            try await connection.withTransaction {
                                _ = try await test.store.append([.sample(), .sample()], expecting: .any, in: $0)
                            }
                        }
                        await connection.close()
                    }
                }
                try await group.waitForAll()
            }
            let connection = try await test.connect()
            let stream = try await test.store.readStream(Event.sample().aggregate, in: connection)
            #expect(stream.events.map(\.aggregateVersion) == Array(1...320))
            #expect(stream.events.map(\.globalPosition) == stream.events.map(\.globalPosition).sorted())
            await connection.close()
        }
    }

    @Test func `an event of another writer is a conflict, and its id is taken`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let event = Event.sample()
            // A foreign writer that does not keep the heads.
            try await connection.query(
                Statement(
                    """
                    INSERT INTO \(test.tables.events.sql) (bounded_context, aggregate_type, aggregate_id,
                    aggregate_version, event_id, event_type, payload) VALUES ($1, $2, $3, 1, $4, 'x', '')
                    """), event.boundedContext, event.aggregateType, event.aggregateID, event.eventID)
            let conflict = await #expect(throws: EventStoreError.self) {
                try await connection.withTransaction {
                    try await test.store.append([.sample()], expecting: .noStream, in: $0)
                }
            }
            #expect(
                conflict == .optimisticConcurrency(aggregate: event.aggregate, expected: .noStream, actual: 1))
            let again = Event(
                boundedContext: "Identity", aggregateType: "User", aggregateID: "another", eventID: event.eventID,
                eventType: "UserRegistered", payload: [])
            let duplicate = await #expect(throws: EventStoreError.self) {
                try await connection.withTransaction {
                    try await test.store.append([again], expecting: .any, in: $0)
                }
            }
            #expect(duplicate == .duplicateEventID(aggregate: again.aggregate))
            await connection.close()
        }
    }

    @Test func `what cannot be appended is refused before any SQL`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            var empty = Event.sample()
            empty.boundedContext = ""
            var null = Event.sample()
            null.correlationID = "a\0b"
            let cases: [([Event], EventStoreError)] = [
                ([], .noEvents),
                ([.sample("a"), .sample("b")], .mixedAggregates(index: 1)),
                ([empty], .invalidEvent(index: 0, field: "bounded context", reason: "is empty")),
                (
                    [.sample(), null],
                    .invalidEvent(
                        index: 1, field: "correlation id", reason: "holds a NUL character, which no text may")
                ),
            ]
            try await connection.withTransaction { transaction in
                for (events, expected) in cases {
                    let error = await #expect(throws: EventStoreError.self) {
                        try await test.store.append(events, expecting: .any, in: transaction)
                    }
                    #expect(error == expected)
                }
                // SQL that failed would have failed the transaction.
                _ = try await transaction.query("SELECT 1")
            }
            await connection.close()
        }
    }

    @Test(.enabled("the server counts statements") { try await countsStatements() })
    func `an append is one statement, for one event or a thousand`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            try await connection.execute(script: "CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA public")
            for count in [1, 1000] {
                try await connection.withTransaction {
                    _ = try await test.store.append(
                        (0..<count).map { _ in .sample("many-\(count)") }, expecting: .noStream, in: $0)
                }
            }
            let calls = try await connection.query(
                "SELECT sum(calls)::bigint FROM public.pg_stat_statements WHERE query LIKE '%unnest%' AND query LIKE $1",
                "%\(test.tables.godwitSchema)%")
            #expect(try calls.first?.decode(0, as: Int.self) == 2)
            await connection.close()
        }
    }

    @Test func `an append notifies its channel when it commits, and only then`() async throws {
        try await TestStore.with(notify: { .always(channel: $0) }) { test in
            let connection = try await test.connect()
            let listener = try await Listener.open(test.configuration, channels: [test.tables.godwitSchema])
            struct Failure: Error {}
            _ = try? await connection.withTransaction { transaction in
                try await test.store.append([.sample()], expecting: .any, in: transaction)
                throw Failure()
            }
            let result = try await connection.withTransaction {
                try await test.store.append([.sample(), .sample()], expecting: .any, in: $0)
            }
            let notifications = try await listener.next(within: .seconds(20))
            #expect(notifications.map(\.payload) == ["\(result.positions[1])"])
            await listener.close()
            await connection.close()
        }
    }
}
