import Consumers
import EventSourcing
import FoundationEssentials
import Glibc
import Kafka
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// Segments exchanged for others while three processes serve them, and events come all the time.
@Suite(.onEmbeddedBroker, .serialized) struct ResegmentLoadTests {
    private static func settings(_ delivery: String) -> [String: String] {
        [
            "GODWIT_CONSUMERS_IDENTITY_DELIVERY": delivery, "GODWIT_KAFKA_TOPICS_CREATE": "true",
            "GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms", "GODWIT_WORKER_STALE_THRESHOLD": "2s",
            "GODWIT_WORKER_REBALANCE_INTERVAL": "300ms", "GODWIT_WORKER_TOTAL_SEGMENTS": "4",
            "GODWIT_WORKER_BATCH_SIZE": "500",
        ]
    }

    /// Appends ten events every 10 ms until told to stop, and gives their ids.
    private static func write(_ place: RelayFixture, until stop: WakeSignal) async throws -> Set<String> {
        let connection = try await place.test.connect()
        var ids: Set<String> = []
        var (round, next) = (0, ContinuousClock.now)
        while !stop.isClosed {
            let events = (0..<10).map { Event.sample("aggregate-\((round * 7 + $0) % 100)") }
            _ = try await connection.withTransaction { transaction in
                for event in events { _ = try await place.test.store.append([event], expecting: .any, in: transaction) }
            }
            ids.formUnion(events.map { $0.eventID.uuidString.lowercased() })
            round += 1
            next += .milliseconds(10)
            try await Task.sleep(until: next)
        }
        await connection.close()
        return ids
    }

    /// Runs a body beside the writer and three relays, and expects each event once, in order.
    private func underLoad(
        _ place: RelayFixture, _ settings: [String: String],
        _ body: (_ relays: inout [RunningCommand]) async throws -> Void
    ) async throws {
        let stop = WakeSignal()
        var relays = try (0..<3).map { _ in try place.run(settings) }
        let writing = Task { try await Self.write(place, until: stop) }
        do { try await body(&relays) } catch {
            stop.close()
            for relay in relays { relay.send(SIGKILL) }
            throw error
        }
        stop.close()
        let ids = try await writing.value
        _ = try await place.receive(ids)
        for relay in relays { relay.send(SIGTERM) }
        for relay in relays {
            let result = await relay.result()
            #expect(result.exitCode == 0, "\(result.standardError)")
        }
        let all = try await place.kafka.readAll([place.topic])
        #expect(all.eventIDs == ids, "lost: \(ids.subtracting(all.eventIDs).count)")
        #expect(all.count == ids.count, "\(all.count - ids.count) of \(ids.count) came twice")
        #expect(all.isInOrder)
    }

    @Test(.timeLimit(.minutes(4)), arguments: ["at_least_once", "exactly_once"])
    func `from 4 to 16 to 3 with three processes under load`(_ delivery: String) async throws {
        try await RelayFixture.with { place in
            let settings = Self.settings(delivery)
            try await underLoad(place, settings) { relays in
                try await eventually("it has begun") { try await place.kafka.readAll([place.topic]).count > 300 }
                for total in ["16", "3"] {
                    var command = Command.godwit(environment: place.variables.merging(settings) { $1 })
                    command.arguments = ["resegment", "identity", "--to", total, "--json"]
                    let done = try await command.run()
                    #expect(done.exitCode == 0, "\(done)")
                    let report = try JSONParser.parse(done.standardOutput)
                    #expect(report["done"] == true, "\(done)")
                    print("\(delivery), to \(total): \(report["pause_seconds"] ?? .null) s nobody owned a segment")
                    let count = try await place.kafka.readAll([place.topic]).count
                    try await eventually("it goes on") {
                        try await place.kafka.readAll([place.topic]).count > count + 300
                    }
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(5)), arguments: seeds(1, of: "killed exchanges"))
    func `commands and relays that are killed in the middle leave what goes on, and each event is there once`(
        _ seed: UInt64
    ) async throws {
        try await RelayFixture.with { place in
            var random = Seeded(seed)
            let settings = Self.settings("exactly_once")
            try await underLoad(place, settings) { relays in
                try await eventually("it has begun") { try await place.kafka.readAll([place.topic]).count > 300 }
                for round in 0..<8 {
                    var command = Command.godwit(environment: place.variables.merging(settings) { $1 })
                    command.arguments = ["resegment", "identity", "--to", ["9", "5"][round % 2], "--wait", "60"]
                    let running = try command.start()
                    try await Task.sleep(for: .milliseconds(Int.random(in: 300...2_500, using: &random)))
                    let index = Int.random(in: 0..<3, using: &random)
                    if round % 2 == 1 {
                        relays[index].send(SIGKILL)
                        _ = await relays[index].result()
                        relays[index] = try place.run(settings)
                    } else {
                        running.send(SIGKILL)
                    }
                    let result = await running.result()
                    #expect(round % 2 == 0 || [0, 64].contains(result.exitCode), "\(result)")
                    let count = try await place.kafka.readAll([place.topic]).count
                    try await eventually("it goes on", within: .seconds(40)) {
                        try await place.kafka.readAll([place.topic]).count > count + 100
                    }
                }
            }
        }
    }
}
