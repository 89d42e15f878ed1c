import EventSourcing
import Glibc
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// `resegment` as a command, beside relays that run.
@Suite struct ResegmentCommandTests {
    @Test(.timeLimit(.minutes(2)))
    func `relays go on with other segments, and start with them whatever is configured`() async throws {
        try await RelayFixture.with { place in
            let settings = ["GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms"]
            let relays = [try place.run(settings), try place.run(settings)]
            var ids = try await place.append(50)
            _ = try await place.receive(ids)
            let dry = try await place.command("resegment", "identity", "--to", "7", "--dry-run")
            #expect(dry.exitCode == 0, "\(dry)")
            #expect(dry.standardOutput.contains("identity has 4 segments"), "\(dry)")
            for total in ["7", "2"] {
                let done = try await place.command("resegment", "identity", "--to", total, "--json")
                #expect(done.exitCode == 0, "\(done)")
                let report = try JSONParser.parse(done.standardOutput)
                #expect(report["done"] == true, "\(done)")
                ids.formUnion(try await place.append(50, from: ids.count))
                #expect(try await place.receive(ids).count == ids.count)
            }
            let same = try await place.command("resegment", "identity", "--to", "2")
            #expect(same.exitCode == 64)
            #expect(same.standardError.contains("has 2 segments already"))
            for relay in relays {
                relay.send(15)
                #expect(await relay.result().exitCode == 0)
            }
            // Configured is 4.
            ids.formUnion(try await place.append(10, from: ids.count))
            let caughtUp = try await place.command("catch-up", "identity")
            #expect(caughtUp.exitCode == 0, "\(caughtUp)")
            #expect(caughtUp.standardError.contains("the consumer has 2 segments, as recorded"), "\(caughtUp)")
            #expect(try await place.receive(ids).count == ids.count)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `beside a relay that is stopped it says for whom it waits, and ends with nothing changed`() async throws {
        try await RelayFixture.with { place in
            let relay = try place.run()
            var ids = try await place.append(20)
            _ = try await place.receive(ids)
            relay.send(SIGSTOP)
            let refused = try await place.command("resegment", "identity", "--to", "7", "--wait", "3")
            #expect(refused.exitCode == 31, "\(refused)")
            #expect(refused.standardError.contains("waits 1 s for "), "\(refused)")
            #expect(refused.standardError.contains("last heard of"), "\(refused)")
            #expect(refused.standardError.contains("nothing was changed"), "\(refused)")
            relay.send(SIGCONT)
            ids.formUnion(try await place.append(20, from: 20))
            #expect(try await place.receive(ids).count == 40)
            let done = try await place.command("resegment", "identity", "--to", "7", "--json")
            #expect(done.exitCode == 0, "\(done)")
            // Whatever holds rows of it, the time is kept.
            let holder = try await place.test.connect()
            try await holder.execute(
                script: "BEGIN; SELECT FROM \(place.test.tables.consumerSegments.sql) FOR UPDATE")
            let began = ContinuousClock.now
            let locked = try await place.command("resegment", "identity", "--to", "3", "--wait", "3")
            #expect(locked.exitCode == 31, "\(locked)")
            #expect(ContinuousClock.now - began < .seconds(20))
            await holder.close()
            // Nor is it waited for brokers without end.
            let silent = try await place.command(
                "resegment", "identity", "--to", "3", "--wait", "3",
                more: [
                    "GODWIT_CONSUMERS_IDENTITY_DELIVERY": "exactly_once",
                    "GODWIT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
                ])
            #expect(silent.exitCode == 31, "\(silent)")
            #expect(silent.standardError.contains("brokers: no answer"), "\(silent)")
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
        }
    }
}
