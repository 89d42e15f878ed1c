import Consumers
import EventSourcing
import Foundation
import Kafka
import KafkaTestBroker
import Postgres
import TestSupport
import Testing

/// `godwit run` while the broker goes and comes back, and while it is killed itself.
@Suite(.serialized) struct OutageTests {
    @Test(.timeLimit(.minutes(2)))
    func `a broker that is killed or stopped and comes back is waited for, said once, and caught up with`()
        async throws
    {
        try await BrokerProcess.with { broker in
            let kafka = TestKafka(bootstrapServers: broker.bootstrapServers)
            try await RelayFixture.with(kafka) { place in
                let relay = try place.run(["GODWIT_KAFKA_PROPERTIES_RECONNECT_BACKOFF_MAX_MS": "100"])
                var ids = try await place.append(20)
                _ = try await place.receive(ids)
                let signals = [SIGKILL, SIGTERM, SIGKILL]
                for (round, signal) in signals.enumerated() {
                    async let appended = place.appendBacklog(40, aggregates: 10, stem: "round-\(round)")
                    _ = try await kafka.read([place.topic]) { $0.count > ids.count + 20 }
                    // Events go on coming, and some are under way.
                    await broker.end(signal)
                    // Those that follow soon are counted, once there are no more.
                    try await eventually("the outage was never said") { said("cannot be reached", relay) > 0 }
                    try await broker.refuseConnections(20)
                    ids.formUnion(try await appended)
                    ids.formUnion(try await place.append(5, from: 1_000 * (round + 1)))
                    try await broker.start()
                    _ = try await place.receive(ids)
                }
                relay.send(SIGTERM)
                let result = await relay.result()
                #expect(result.exitCode == 0, "\(result.standardError)")
                #expect((1...signals.count).contains(said("cannot be reached", relay)), "\(result.standardError)")
                #expect((1...signals.count).contains(said("reached again", relay)), "\(result.standardError)")
                let records = try await kafka.readAll([place.topic])
                #expect(records.eventIDs == ids)
                #expect(records.isInOrder)
                // What was under way is sent again by the same producer, and the broker remembers what it took of it.
                #expect(records.count == ids.count)
            }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a broker that goes away while nothing is to be delivered shows all the same`() async throws {
        try await BrokerProcess.with { broker in
            try await RelayFixture.with(TestKafka(bootstrapServers: broker.bootstrapServers)) { place in
                let admin = try AdminPort()
                let relay = try place.run(admin.variables)
                _ = try await place.receive(try await place.append(5))
                try await admin.wait(for: 200, at: "/readyz")
                await broker.end(SIGKILL)
                try await admin.wait(for: 503, at: "/readyz")
                #expect(try await admin.get("/readyz").body.contains("no Kafka broker answers"))
                try await eventually("status calls it well") {
                    let status = try await place.command("status")
                    return status.exitCode == 4 && status.standardOutput.contains("GW-WAITING")
                }
                try await broker.start()
                try await admin.wait(for: 200, at: "/readyz")
                relay.send(SIGTERM)
                #expect(await relay.result().exitCode == 0)
            }
        }
    }

    private func said(_ text: String, _ process: RunningCommand) -> Int {
        process.standardError.split(separator: "\n").count { $0.contains(text) }
    }

    /// Each kill comes while requests are under way: written and not answered, or not yet looked at.
    @Test(.onEmbeddedBroker, .timeLimit(.minutes(2)))
    func `run that is killed in mid-batch, again and again, loses nothing and doubles only what was under way`()
        async throws
    {
        try await TestKafka.withBroker { kafka, broker in
            try await RelayFixture.with(kafka) { place in
                let variables = [
                    "GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms", "GODWIT_WORKER_STALE_THRESHOLD": "2s",
                    "GODWIT_WORKER_REBALANCE_INTERVAL": "300ms", "GODWIT_WORKER_TOTAL_SEGMENTS": "1",
                    "GODWIT_WORKER_BATCH_SIZE": "20", "GODWIT_WORKER_BYTES_IN_FLIGHT": "64KiB",
                ]
                // More than a kilobyte each, so that fewer than 64 are under way at a time.
                let ids = try await place.appendBacklog(
                    200, aggregates: 20, payload: #"{"text":"\#(String(repeating: "x", count: 1_024))"}"#)
                let connection = try await place.test.connect()
                let kills: [(Fault.Action, after: Int)] = [
                    (.hang, 1), (.hang, 30), (.delay(.seconds(60)), 23), (.hang, 11), (.delay(.seconds(60)), 17),
                ]
                var doubled = 0
                for (action, requests) in kills {
                    let fault = await broker.inject(Fault(action, on: .produce, skip: requests, count: 1))
                    let relay = try place.run(variables)
                    try await eventually("too few requests came") { await broker.hits(ofFault: fault) == 1 }
                    // Nothing is answered any more, so the checkpoint comes up to what was.
                    try await eventually("more is under way than may be") {
                        try await place.countAhead(connection) < 64
                    }
                    relay.send(SIGKILL)
                    #expect(await relay.result().exitCode == -SIGKILL)
                    doubled += try await place.countAhead(connection)
                    await broker.removeFault(fault)
                }
                let before = try await kafka.readAll([place.topic])
                #expect(before.eventIDs.count < ids.count, "the backlog was too small to be killed in the midst of it")
                let relay = try place.run(variables)
                _ = try await place.receive(ids)
                relay.send(SIGTERM)
                #expect(await relay.result().exitCode == 0)
                await connection.close()
                let records = try await kafka.readAll([place.topic])
                #expect(records.eventIDs == ids)
                #expect(records.isInOrder)
                #expect(doubled > 0, "nothing was under way")
                #expect(records.count - ids.count <= doubled)
            }
        }
    }
}
