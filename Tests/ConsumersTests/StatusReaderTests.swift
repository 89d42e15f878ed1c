import EventSourcing
import Postgres
import TestSupport
import Testing

@testable import Consumers

/// What the database alone has of all processes.
@Suite struct StatusReaderTests {
    private func read(_ test: TestStore, scopes: [String: EventScope] = [:], limit: Int = 10_000) async throws
        -> StoreStatus
    {
        let connection = try await test.connect()
        let status = try await StatusReader(test.tables, scopes: scopes, backlogLimit: limit).read(on: connection)
        await connection.close()
        return status
    }

    @Test func `a consumer that waits for its acknowledgements lags, by segment and by the age of the oldest event`()
        async throws
    {
        try await TestStore.with { test in
            try await test.appendOneEach(20)
            let connection = try await test.connect()
            try await connection.execute(
                script:
                    "UPDATE \(test.tables.events.sql) SET created_at = now() - interval '1 hour' WHERE global_position = 1"
            )
            let gate = Gate()
            let consumer = RecordingConsumer(gate: gate)
            let source = try test.source()
            let worker = try test.worker(consumer, source)
            try await test.running(worker, source) {
                try await consumer.wait(for: 20)
                let lagging = try await read(test).consumers[0]
                #expect(lagging.name == "recorder" && lagging.segments.map(\.id) == [0, 1, 2, 3])
                #expect(lagging.segments.allSatisfy { $0.owner == worker.id && $0.checkpoint == 0 })
                #expect(lagging.lag?.events == 20 && lagging.lag?.isExact == true)
                let oldest = lagging.segments.compactMap(\.lag.oldest).sorted()
                #expect(oldest.count == 4 && oldest[3] >= .seconds(3599) && oldest[2] < .seconds(600))
                #expect(lagging.workers.map(\.id) == [worker.id])
                #expect(lagging.workers[0].condition == .flowing && lagging.workers[0].lastHeartbeat < .seconds(10))
                gate.open()
                try await eventually("the checkpoints never followed") {
                    let lag = try await read(test).consumers[0].lag
                    return lag?.events == 0 && lag?.oldest == nil
                }
            }
            let stopped = try await read(test, scopes: ["never": .all])
            #expect(stopped.consumers.map(\.name) == ["never", "recorder"])
            // Nobody knows where it will begin.
            #expect(stopped.consumers[0].segments.isEmpty && stopped.consumers[0].lag == nil)
            #expect(
                stopped.consumers[1].workers.isEmpty && stopped.consumers[1].segments.allSatisfy { $0.owner == nil })
            await connection.close()
        }
    }

    @Test func `only what is in scope waits, and a count that is cut short is a bound`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            try await connection.query(
                SegmentsTable(test.tables).initialize("recorder", totalSegments: 3, start: 0))
            try await test.appendOneEach(12)
            try await test.appendOneEach(9, type: "Other")
            let all = try #require(await read(test).consumers[0].lag)
            #expect(all.events == 21 && all.isExact)
            let scope = EventScope(aggregateTypes: ["Other"], boundedContexts: ["Identity"])
            #expect(try await read(test, scopes: ["recorder": scope]).consumers[0].lag?.events == 9)
            let cut = try #require(await read(test, limit: 2).consumers[0].lag)
            #expect(cut.events >= 21 && !cut.isExact)
            // Each position counts once, not once per segment.
            #expect(cut.events <= 21 + 2)
            await connection.close()
        }
    }

    @Test func `the writers and the positions they have drawn show while they are open`() async throws {
        try await TestStore.with { test in
            let writer = try await test.connect()
            try await writer.withTransaction { transaction in
                _ = try await test.store.append([.sample("held")], expecting: .any, in: transaction)
                let status = try await read(test)
                #expect(status.latest == 0 && status.lastDrawn == 1)
                #expect(status.writers.map(\.processID) == [Int(writer.backendPID)])
            }
            #expect(try await read(test).writers.isEmpty)
            await writer.close()
        }
    }

    @Test func `the condition of a consumer, and that it runs once only, comes with the heartbeat`() async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let table = WorkersTable(test.tables)
            try await connection.query(
                table.heartbeat(
                    "w", [("a", "halted", "at 7"), ("b", Membership.oneOffCondition, ""), ("c", "flowing", "")],
                    terms: LeaseTerms(beat: .seconds(2), stale: .seconds(30))))
            let alive = try await read(test, scopes: ["a": .all, "b": .all, "c": .all]).consumers.flatMap(\.workers)
            #expect(alive.map(\.isGone) == [false, false, false])
            try await connection.query("SELECT pg_advisory_unlock_all()")
            let workers = try await read(test, scopes: ["a": .all, "b": .all, "c": .all]).consumers.flatMap(\.workers)
            #expect(workers.map(\.condition) == [.halted("at 7"), .flowing, .flowing])
            #expect(workers.map(\.isOneOff) == [false, true, false])
            // Nobody holds the worker's lock any more.
            #expect(workers.map(\.isGone) == [true, true, true])
            await connection.close()
        }
    }
}
