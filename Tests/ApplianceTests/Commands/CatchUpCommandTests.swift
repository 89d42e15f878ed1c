import EventSourcing
import Foundation
import Kafka
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// `godwit catch-up`: a consumer's own flow, once.
@Suite struct CatchUpCommandTests {
    private let catchUp = ["catch-up", "identity"]
    private let quick = [
        "GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms", "GODWIT_WORKER_STALE_THRESHOLD": "2s",
        "GODWIT_WORKER_REBALANCE_INTERVAL": "300ms",
    ]

    @Test(.timeLimit(.minutes(2)))
    func `it publishes what is committed, moves the checkpoints, and ends`() async throws {
        try await RelayFixture.with { place in
            let ids = try await place.append(50)
            #expect(try await place.report(catchUp)["published"]?.integer == 50)
            #expect(try await place.report(catchUp)["published"]?.integer == 0)
            let more = try await place.append(10, from: 100)
            let result = try await place.godwit(catchUp)
            #expect(result.exitCode == 0)
            #expect(result.standardOutput.contains("identity has caught up: 10 events published"))
            let records = try await place.kafka.readAll([place.topic])
            #expect(records.eventIDs == ids.union(more) && records.count == 60)
            try await place.expectRefusal(["catch-up", "nobody"], 64, "it has identity")
            try await place.expectRefusal(catchUp + ["--wait", "soon"], 64, "duration")
            let absent = ["GODWIT_CONSUMERS_IDENTITY_TOPIC": "absent"]
            try await place.expectRefusal(catchUp, 22, "absent", absent)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `beside a relay it is refused without taking a segment from it, or waits for its end`() async throws {
        try await RelayFixture.with { place in
            let relay = try place.run(quick)
            _ = try await place.receive(try await place.append(5))
            func owned() async throws -> [String] {
                let connection = try await place.test.connect()
                let rows = try await connection.query(
                    Statement(
                        "SELECT owner_id || ' ' || epoch FROM \(place.test.tables.consumerSegments.sql) ORDER BY 1"))
                await connection.close()
                return try rows.map { try $0.decodeIfPresent(0) ?? "nobody" }
            }
            try await eventually("not all segments were owned") { try await !owned().contains("nobody") }
            let before = try await owned()
            let owner = try #require(before.first?.split(separator: " ").first)
            for _ in 1...3 { try await place.expectRefusal(catchUp, 31, String(owner), quick) }
            #expect(try await owned() == before)

            let waiting = try place.start(catchUp + ["--wait", "60s"], quick)
            #expect(await waiting.waitForError("waiting for others"))
            #expect(try await owned() == before)
            relay.send(SIGKILL)
            _ = await relay.result()
            _ = try await place.append(5, from: 50)
            let result = await waiting.result()
            #expect(result.exitCode == 0, "\(result.standardError)")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what is parked does not count as published, and what operators want redriven is before it ends`() async throws
    {
        try await RelayFixture.with { place in
            let large = #"{"text":"\#(String(repeating: "x", count: 8_000))"}"#
            _ = try await place.append(10)
            let poison = try await place.appendBacklog(20, aggregates: 1, payload: large)
            let park = ["GODWIT_CONSUMERS_IDENTITY_ON_POISON": "park"]
            let small = park.merging(["GODWIT_KAFKA_MAX_RECORD_BYTES": "5000"]) { $1 }
            let first = try await place.report(catchUp, small)
            #expect(first["published"]?.integer == 10 && first["parked"]?.integer == 20, "\(first)")
            var redrive = Command.godwit("parked", environment: place.variables)
            redrive.arguments += ["redrive", "--consumer", "identity", "--all"]
            #expect(try await redrive.run().exitCode == 0)
            // Nothing new is there, so that the run would end at once.
            let second = try await place.godwit(catchUp, park)
            #expect(
                second.standardOutput.contains("20 events published, 20 of them redriven"), "\(second.standardOutput)")
            let records = try await place.kafka.readAll([place.topic])
            #expect(records.count == 30 && records.eventIDs.isSuperset(of: poison))
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `told to stop it ends with 30, and the next goes on without a double`() async throws {
        try await RelayFixture.with { place in
            let ids = try await place.appendBacklog(
                500, aggregates: 20, payload: #"{"text":"\#(String(repeating: "x", count: 1_024))"}"#)
            let slow = ["GODWIT_WORKER_BYTES_IN_FLIGHT": "64KiB", "GODWIT_WORKER_BATCH_SIZE": "10"]
            let process = try place.start(catchUp, slow)
            _ = try await place.kafka.read([place.topic]) { $0.count > 100 }
            process.send(SIGTERM)
            let result = await process.result()
            #expect(
                result.exitCode == 30 && result.standardError.contains("goes on from there"), "\(result.standardError)")
            let published = try await place.kafka.readAll([place.topic]).count
            #expect(published < ids.count, "it had ended already")
            #expect(try await place.report(catchUp)["published"]?.integer == ids.count - published)
            let records = try await place.kafka.readAll([place.topic])
            #expect(records.eventIDs == ids && records.count == ids.count && records.isInOrder)
        }
    }
}
