import Glibc
import KafkaTestBroker
import TestSupport
import Testing

@testable import Appliance

@Suite(.onEmbeddedBroker, .timeLimit(.minutes(2))) struct StalledBrokerTests {
    @Test func `a broker that answers no record shows as a stall everywhere, until it answers`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            try await RelayFixture.with(kafka) { place in
                let admin = try AdminPort()
                let relay = try place.run(
                    ["GODWIT_WORKER_HEARTBEAT_INTERVAL": "1s"].merging(admin.variables) { $1 })
                try await admin.wait(for: 200, at: "/readyz")
                _ = try await place.receive(try await place.append(5))
                await broker.inject(Fault(.hang, on: .produce))
                let ids = try await place.append(5, from: 5)
                // On a busy machine the lease may run out for a moment.
                try await eventually("it is ready") {
                    let ready = try await admin.get("/readyz")
                    return ready.status == 503 && ready.body.hasPrefix("consumer identity: stalled: ")
                        && ready.body.contains(" since 20")
                }
                #expect(try await admin.get("/healthz").status == 200, "a new process would not help")
                let gauge = try await admin.metric("godwit_kafka_delivery_status").filter { $0.value == 1 }
                #expect(gauge.keys.map { $0 } == ["{consumer=\"identity\",status=\"stalled\"}"])
                try await eventually("status calls it healthy") {
                    let result = try await place.command("status", "--json")
                    let why = try JSONParser.parse(result.standardOutput)["consumers"]?.items.first?["why"]?.items ?? []
                    return result.exitCode == 4 && why.map { $0["kind"]?.string } == ["stalled"]
                        && why.first?["text"]?.string?.contains(" since 20") == true
                }
                #expect(try await place.command("status").standardOutput.contains("stalled"))
                await broker.removeAllFaults()
                await broker.disconnectAll()
                _ = try await place.receive(ids)
                try await admin.wait(for: 200, at: "/readyz")
                try await eventually("it never got healthy again") {
                    try await place.command("status", "--quiet").exitCode == 0
                }
                relay.send(SIGTERM)
                #expect(await relay.result().exitCode == 0)
            }
        }
    }

    @Test func `cancelling a job whose records are under way warns of nothing but that it was cancelled`()
        async throws
    {
        try await TestKafka.withBroker { kafka, broker in
            try await RelayFixture.with(kafka) { place in
                _ = try await place.append(100)
                let fault = await broker.inject(Fault(.hang, on: .produce, skip: 1))
                let job = try place.start(["republish", "--job", "j", "--consumer", "identity"])
                try await eventually("nothing is under way") { await broker.hits(ofFault: fault) > 0 }
                let cancelled = try await place.command("republish", "--cancel", "j")
                #expect(cancelled.exitCode == 0, "\(cancelled.standardError)")
                let result = await job.result()
                #expect(!result.standardError.contains("GAPLESS"), "\(result.standardError)")
                #expect(!result.standardError.contains("warning"), "\(result.standardError)")
            }
        }
    }
}
