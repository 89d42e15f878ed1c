import EventSourcing
import Foundation
import Kafka
import Postgres
import Synchronization
import TestSupport
import Testing

/// Workers as processes: killed, stopped, and coming and going at random.
@Suite(.serialized) struct WorkerProcessTests {
    private func owners(_ place: RelayFixture, _ connection: Connection) async throws -> [String: Int] {
        let rows = try await connection.query(
            Statement(
                "SELECT coalesce(owner_id, ''), count(*) FROM \(place.test.tables.consumerSegments.sql) GROUP BY 1"))
        return try rows.reduce(into: [:]) { $0[try $1.decode(0)] = try $1.decode(1, as: Int.self) }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a process that is killed is taken over within seven seconds, by the defaults, and nothing is lost`()
        async throws
    {
        try await RelayFixture.with { place in
            let connection = try await place.test.connect()
            let first = try place.run()
            try await eventually("the first never owned all") {
                try await owners(place, connection).filter { $0.key != "" }.values.sorted() == [4]
            }
            let second = try place.run()
            try await eventually("they never shared") {
                let owners = try await owners(place, connection)
                return owners[""] == nil && owners.values.sorted() == [2, 2]
            }
            var ids = try await place.append(40)
            let killed = ContinuousClock.now
            first.send(SIGKILL)
            _ = await first.result()
            try await eventually("its segments were never taken over") {
                try await owners(place, connection).values.sorted() == [4]
            }
            // Two and a half beats of 2 s after the last; the stale threshold, which this must not wait for, is 30 s.
            #expect(ContinuousClock.now - killed < .seconds(7))
            ids.formUnion(try await place.append(40, from: 40))
            _ = try await place.receive(ids)
            second.send(SIGTERM)
            #expect(await second.result().exitCode == 0)
            await connection.close()
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a process that was stopped for too long publishes nothing of what it lost, and rejoins`() async throws {
        try await RelayFixture.with { place in
            let quick = [
                "GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms", "GODWIT_WORKER_STALE_THRESHOLD": "2s",
                "GODWIT_WORKER_REBALANCE_INTERVAL": "300ms",
            ]
            let connection = try await place.test.connect()
            let sleeper = try place.run(quick)
            try await eventually("the first never owned all") {
                try await owners(place, connection).filter { $0.key != "" }.values.sorted() == [4]
            }
            var ids = try await place.append(20)
            _ = try await place.receive(ids)
            // What is published and not yet in the checkpoint may rightly come again.
            try await eventually("the checkpoints never followed") {
                try await connection.query(
                    Statement("SELECT min(checkpoint) >= 20 FROM \(place.test.tables.consumerSegments.sql)")
                ).first?.decode(0) == true
            }
            sleeper.send(SIGSTOP)
            let other = try place.run(quick)
            let stopped = try await owners(place, connection).keys.first { $0 != "" }
            try await eventually("the segments were never taken over") {
                let owners = try await owners(place, connection)
                return owners.count == 1 && owners.values.first == 4 && owners.keys.first != stopped
                    && owners.keys.first != ""
            }
            ids.formUnion(try await place.append(40, from: 20))
            _ = try await place.receive(ids)
            sleeper.send(SIGCONT)
            try await eventually("the stopped one never came back") {
                let owners = try await owners(place, connection)
                return owners[""] == nil && owners.values.sorted() == [2, 2]
            }
            ids.formUnion(try await place.append(40, from: 60))
            _ = try await place.receive(ids)
            for process in [sleeper, other] { process.send(SIGTERM) }
            for process in [sleeper, other] { #expect(await process.result().exitCode == 0) }
            let records = try await place.kafka.readAll([place.topic])
            #expect(records.count == ids.count, "each once: nothing of what was lost was published again")
            #expect(records.eventIDs == ids)
            await connection.close()
        }
    }

    /// Writes to ten aggregates until told to stop; gives the ids committed.
    private static func write(
        _ place: RelayFixture, writer: Int, _ seed: UInt64, _ goesOn: @Sendable () -> Bool
    ) async throws -> Set<String> {
        var random = Seeded(seed &+ UInt64(writer))
        let connection = try await place.test.connect()
        var ids: Set<String> = []
        var round = 0
        while goesOn() {
            let events = (0...round % 3).map { _ in Event.sample("aggregate-\(writer)-\(round % 10)") }
            let pause = Double.random(in: 0...0.05, using: &random)
            _ = try await connection.withTransaction {
                let result = try await place.test.store.append(events, expecting: .any, in: $0)
                try await $0.query("SELECT pg_sleep($1)", pause)
                return result
            }
            ids.formUnion(events.map { $0.eventID.uuidString.lowercased() })
            round += 1
        }
        await connection.close()
        return ids
    }

    @Test(.timeLimit(.minutes(5)))
    func `eight processes come and go for a minute while eight writers append, and nothing is lost or out of order`()
        async throws
    {
        try await RelayFixture.with { place in
            let variables = [
                "GODWIT_WORKER_HEARTBEAT_INTERVAL": "500ms", "GODWIT_WORKER_STALE_THRESHOLD": "3s",
                "GODWIT_WORKER_REBALANCE_INTERVAL": "1s", "GODWIT_WORKER_TOTAL_SEGMENTS": "16",
            ]
            // Repeats what is done and when; what a process is doing at that moment, it cannot.
            let seed = seeds(1, of: "processes that come and go")[0]
            var random = Seeded(seed &- 1)
            let end = ContinuousClock.now.advanced(by: .seconds(60))
            let written = Task {
                try await withThrowingTaskGroup(of: Set<String>.self) { group in
                    for writer in 0..<8 {
                        group.addTask {
                            try await Self.write(place, writer: writer, seed) { ContinuousClock.now < end }
                        }
                    }
                    return try await group.reduce(into: Set<String>()) { $0.formUnion($1) }
                }
            }
            var running = try (0..<4).map { _ in try place.run(variables) }
            var kills = 0
            while ContinuousClock.now < end {
                if running.count < 8, Bool.random(using: &random) || running.isEmpty {
                    running.append(try place.run(variables))
                } else {
                    let process = running.remove(at: Int.random(in: running.indices, using: &random))
                    let isKilled = Bool.random(using: &random)
                    process.send(isKilled ? SIGKILL : SIGTERM)
                    kills += isKilled ? 1 : 0
                    let result = await process.result()
                    // A signal that comes before the process has set anything up just ends it.
                    if !isKilled { #expect([0, -SIGTERM].contains(result.exitCode), "\(result.standardError)") }
                }
                // Random moments are the subject: a process goes before it owns anything, while it takes over, or
                // in the middle of its work.
                try await Task.sleep(for: .milliseconds(Int.random(in: 500...1500, using: &random)))
            }
            let ids = try await written.value
            let survivor = try place.run(variables)
            running.append(survivor)
            let records: [ConsumedRecord]
            do {
                records = try await place.receive(ids)
            } catch {
                let status = try await place.godwit(["status"]).standardOutput
                let missing = ids.subtracting(try await place.kafka.readAll([place.topic]).eventIDs)
                Issue.record("\(missing.count) of \(ids.count) are missing\n\(status)\n\(survivor.standardError)")
                throw error
            }
            let connection = try await place.test.connect()
            try await eventually("not every segment is owned") { try await owners(place, connection)[""] == nil }
            for process in running { process.send(SIGTERM) }
            for process in running { _ = await process.result() }
            await connection.close()

            #expect(records.eventIDs == ids)
            #expect(records.isInOrder)
            #expect(records.count - ids.count <= kills * 16 * 500, "duplicates come of kills only")
        }
    }
}
