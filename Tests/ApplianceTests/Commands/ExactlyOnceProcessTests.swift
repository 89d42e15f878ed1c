import EventSourcing
import Foundation
import Kafka
import KafkaTestBroker
import Postgres
import TestSupport
import Testing

/// `godwit run` with `delivery: exactly_once`, killed, stopped for longer than its lease, and answered with errors: a reader of
/// committed records sees each committed event once, in order per aggregate.
@Suite(.onEmbeddedBroker, .serialized) struct ExactlyOnceProcessTests {
    private static let variables = [
        "GODWIT_CONSUMERS_IDENTITY_DELIVERY": "exactly_once", "GODWIT_KAFKA_TOPICS_CREATE": "true",
        "GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms", "GODWIT_WORKER_STALE_THRESHOLD": "2s",
        "GODWIT_WORKER_REBALANCE_INTERVAL": "500ms", "GODWIT_WORKER_TOTAL_SEGMENTS": "8",
        "GODWIT_KAFKA_TRANSACTION_TIMEOUT": "10s",
    ]

    /// Writes to ten aggregates until told to stop; rolls some back. Gives the ids committed.
    private static func write(
        _ place: RelayFixture, writer: Int, _ seed: UInt64, _ goesOn: @Sendable () -> Bool
    ) async throws -> Set<String> {
        var random = Seeded(seed &+ UInt64(writer))
        let connection = try await place.test.connect()
        var ids: Set<String> = []
        var round = 0
        while goesOn() {
            let events = (0...round % 3).map { _ in Event.sample("aggregate-\(writer)-\(round % 10)") }
            let isRolledBack = Int.random(in: 0..<8, using: &random) == 0
            let pause = Double.random(in: 0...0.03, using: &random)
            do {
                _ = try await connection.withTransaction {
                    _ = try await place.test.store.append(events, expecting: .any, in: $0)
                    try await $0.query("SELECT pg_sleep($1)", pause)
                    if isRolledBack { throw RolledBack() }
                }
                ids.formUnion(events.map { $0.eventID.uuidString.lowercased() })
            } catch is RolledBack {}
            round += 1
        }
        await connection.close()
        return ids
    }

    private struct RolledBack: Error {}

    /// What goes wrong at brokers for a moment.
    private static func fault(_ random: inout Seeded) -> Fault {
        let requests: [RequestKind] = [.initProducerID, .addPartitionsToTxn, .endTxn, .produce, .findCoordinator]
        let request = requests.randomElement(using: &random) ?? .endTxn
        let codes: [KafkaErrorCode] = [
            .concurrentTransactions, .coordinatorNotAvailable, .notCoordinator, .requestTimedOut,
        ]
        let code = codes.randomElement(using: &random) ?? .requestTimedOut
        let actions: [Fault.Action] = [
            .refuse(code), .applyThenRefuse(code), .dropAnswer, .disconnect, .delay(.milliseconds(300)),
        ]
        return Fault(actions.randomElement(using: &random) ?? .dropAnswer, on: request, count: 1)
    }

    @Test(.timeLimit(.minutes(4)), arguments: seeds(1, of: "exactly once, with processes"))
    func `three processes are killed, stopped and answered with errors, and each event is there once`(
        _ seed: UInt64
    ) async throws {
        try await TestKafka.withBroker { kafka, broker in
            try await RelayFixture.with(kafka) { place in
                var random = Seeded(seed)
                let end = ContinuousClock.now.advanced(by: .seconds(30))
                let written = Task {
                    try await withThrowingTaskGroup(of: Set<String>.self) { group in
                        for writer in 0..<4 {
                            group.addTask {
                                try await Self.write(place, writer: writer, seed) { ContinuousClock.now < end }
                            }
                        }
                        return try await group.reduce(into: Set<String>()) { $0.formUnion($1) }
                    }
                }
                var running = try (0..<3).map { _ in try place.run(Self.variables) }
                while ContinuousClock.now < end {
                    try await Task.sleep(for: .milliseconds(Int.random(in: 500...1500, using: &random)))
                    let index = Int.random(in: running.indices, using: &random)
                    switch Int.random(in: 0..<6, using: &random) {
                    case 0, 1:
                        running[index].send(SIGKILL)
                        _ = await running[index].result()
                        running[index] = try place.run(Self.variables)
                    case 2:
                        running[index].send(SIGTERM)
                        let result = await running[index].result()
                        #expect([0, -SIGTERM].contains(result.exitCode), "\(result.standardError)")
                        running[index] = try place.run(Self.variables)
                    case 3:
                        running[index].send(SIGSTOP)
                        try await Task.sleep(for: .milliseconds(2500))
                        running[index].send(SIGCONT)
                    default: await broker.inject(Self.fault(&random))
                    }
                }
                await broker.removeAllFaults()
                let ids = try await written.value
                let records: [ConsumedRecord]
                do {
                    records = try await place.receive(ids)
                } catch {
                    let status = try await place.godwit(["status"]).standardOutput
                    Issue.record(
                        "not all came\n\(status)\n\(running.map(\.standardError).joined(separator: "\n---\n"))")
                    throw error
                }
                let verified = try await place.godwit(["verify", "--consumer", "identity"], Self.variables)
                #expect(verified.exitCode == 0, "\(verified.standardOutput)")
                for process in running { process.send(SIGTERM) }
                for process in running { #expect(await process.result().exitCode == 0) }
                let all = try await kafka.readAll([place.topic])
                #expect(all.eventIDs == ids, "none that was rolled back, all that was committed")
                #expect(all.count == ids.count, "each once: \(all.count) records of \(ids.count) events")
                #expect(all.isInOrder)
                #expect(records.count <= all.count)
            }
        }
    }
}
