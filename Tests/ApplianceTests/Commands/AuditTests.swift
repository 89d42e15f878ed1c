import EventSourcing
import Glibc
import Kafka
import KafkaTestBroker
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// The audit that a running relay makes all the time.
@Suite struct AuditTests {
    private static let interval = ["GODWIT_AUDIT_INTERVAL": "500ms", "GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms"]

    private func audit(_ place: RelayFixture) async throws -> JSONValue? {
        let result = try await place.godwit(["audit", "--json"])
        return try JSONValue(parsing: result.standardOutput)["audits"]?.items.first
    }

    /// Waits until everything up to a position is audited, and gives what was found.
    private func audited(
        _ place: RelayFixture, to position: Int, where holds: @escaping (JSONValue) -> Bool = { _ in true }
    ) async throws -> JSONValue {
        var last: JSONValue?
        try await eventually("it is not audited up to \(position)") {
            last = try await audit(place)
            return last.map { ($0["position"]?.integer ?? -1) >= position && holds($0) } ?? false
        }
        return try #require(last)
    }

    /// Waits until the audit has begun behind what there is.
    private func begun(_ place: RelayFixture) async throws -> JSONValue { try await audited(place, to: 0) }

    private func stop(_ relay: RunningCommand) async -> String {
        relay.send(SIGTERM)
        let result = await relay.result()
        #expect(result.exitCode == 0, "\(result.standardError)")
        return result.standardError
    }

    /// Has a consumer's checkpoints pass events that were not delivered.
    private func moveCheckpoints(_ place: RelayFixture, to position: Int) async throws {
        let connection = try await place.test.connect()
        try await connection.execute(
            script: "UPDATE \(place.test.tables.consumerSegments.sql) SET checkpoint = \(position)")
        await connection.close()
    }

    private func adds(up audit: JSONValue) -> Bool {
        let parts = [
            "delivered", "missing", "unproven", "looked_for_again", "passed_over", "parked", "dead_lettered",
            "discarded",
            "not_to_be_known",
        ]
        return parts.reduce(0) { $0 + (audit[$1]?.integer ?? 0) } == audit["committed"]?.integer
    }

    @Test(.timeLimit(.minutes(2)))
    func `a lost event is found by the running relay, shows everywhere, and is forgotten once it is repaired`()
        async throws
    {
        try await RelayFixture.with { place in
            var relay = try place.run(Self.interval)
            _ = try await begun(place)
            _ = try await place.append(20)
            let healthy = try await audited(place, to: 20)
            #expect(healthy["missing"] == 0 && healthy["committed"]?.integer == 20 && adds(up: healthy), "\(healthy)")
            let log = await stop(relay)
            #expect(!log.contains("the audit has found"), "\(log)")

            _ = try await place.append(3, from: 20)
            try await moveCheckpoints(place, to: 22)
            let port = try AdminPort()
            relay = try place.run(Self.interval.merging(port.variables) { $1 })
            let found = try await audited(place, to: 23) { $0["missing"] == 2 }
            #expect(found["missing_positions"]?.items.compactMap(\.integer) == [21, 22] && adds(up: found), "\(found)")
            // It went on from where the process before it had come to.
            #expect(found["began_after"] == 0 && found["committed"]?.integer == 23 && found["reason"] == "first")
            #expect(await relay.waitForError("the audit has found 2 events in no topic, and missing: position 21"))
            #expect(relay.standardError.contains("Identity User user-20"))
            #expect(try await place.godwit(["audit"]).exitCode == 1)
            let status = try await place.godwit(["status"])
            #expect(status.exitCode == 4 && status.standardOutput.contains("GW-AUDIT-FOUND"), "\(status)")
            let metrics = try await port.get("/metrics").body
            #expect(metrics.contains("godwit_audit_missing{consumer=\"identity\"} 2"))
            #expect(metrics.contains("godwit_audit_position{consumer=\"identity\"} 23"))
            #expect(metrics.contains("godwit_problem{code=\"GW-AUDIT-FOUND\",consumer=\"identity\"} 1"))
            #expect(try await port.get("/readyz").status == 200)
            #expect(try await port.get("/consumers/identity").body.contains("2 missing"))

            let repair = try await place.godwit([
                "verify", "--consumer", "identity", "--from-position", "21", "--repair",
            ])
            #expect(repair.exitCode == 0, "\(repair)")
            let repaired = try await audited(place, to: 23) { $0["missing"] == 0 }
            #expect(
                repaired["delivered"]?.integer == 23 && adds(up: repaired) && repaired["doubled"] == 0, "\(repaired)")
            #expect(try await place.godwit(["status"]).exitCode == 0)
            _ = await stop(relay)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `one record that is deleted from a topic is found from the position that an operator gives`() async throws {
        try await RelayFixture.with { place in
            // The topic holds all records but one; the consumer has a checkpoint behind them.
            let source = try await place.kafka.makeTopic("source", partitions: 1)
            _ = try await place.append(12)
            _ = try await place.report(["catch-up", "identity"], ["GODWIT_CONSUMERS_IDENTITY_TOPIC": source])
            var records = try await place.kafka.readAll([source])
            let lost = try #require(records.remove(at: 4).header("global_position").flatMap { Int($0) })
            try await HandWritten.write(records, to: place.topic, of: place.kafka)
            try await place.expectRefusal(
                ["audit", "--reset", "identity", "--from-position", "14"], 64, "from 1 to 13")
            let reset = try await place.godwit(["audit", "--reset", "identity", "--from-position", "1"])
            #expect(reset.exitCode == 0 && reset.standardOutput.contains("behind position 0"), "\(reset)")
            let relay = try place.run(Self.interval)
            let found = try await audited(place, to: 12) { $0["missing"] == 1 }
            #expect(found["missing_positions"]?.items.compactMap(\.integer) == [lost] && adds(up: found), "\(found)")
            #expect(found["reason"] == "asked" && found["out_of_order"] == 0)
            // Who has understood it lets the audit begin anew.
            #expect(try await place.godwit(["audit", "--reset", "identity", "--json"]).exitCode == 0)
            _ = try await place.append(2, from: 12)
            let anew = try await audited(place, to: 14)
            #expect(anew["missing"] == 0 && anew["began_after"] == 12 && anew["committed"]?.integer == 2, "\(anew)")
            #expect(
                try await place.rows(of: place.test.tables.godwitTable("audit")).count { $0.contains("audit-reset") }
                    == 2)
            _ = await stop(relay)
        }
    }

    @Test(.onEmbeddedBroker, .timeLimit(.minutes(2)))
    func `after a relay was killed the audit shows the doubles and nothing else`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            try await RelayFixture.with(kafka) { place in
                let variables = Self.interval.merging([
                    "GODWIT_WORKER_STALE_THRESHOLD": "2s", "GODWIT_WORKER_BATCH_SIZE": "20",
                ]) { $1 }
                let first = try place.run(variables)
                _ = try await begun(place)
                var ids = try await place.appendBacklog(20, aggregates: 3, stem: "early")
                _ = try await audited(place, to: 60)
                let hanging = await broker.inject(Fault(.hang, on: .produce, skip: 2))
                ids.formUnion(try await place.appendBacklog(40, aggregates: 10))
                try await eventually("no request was left unanswered") { await broker.hits(ofFault: hanging) > 0 }
                first.send(SIGKILL)
                _ = await first.result()
                await broker.removeFault(hanging)
                let second = try place.run(variables)
                let after = try await audited(place, to: 460)
                let records = try await kafka.readAll([place.topic])
                let doubled = Dictionary(grouping: records.compactMap { $0.header("event_id") }) { $0 }
                    .count { $0.value.count > 1 }
                #expect(records.eventIDs == ids && doubled > 0)
                #expect(after["doubled"]?.integer == doubled, "\(after)")
                #expect(after["missing"] == 0 && after["out_of_order"] == 0 && adds(up: after), "\(after)")
                #expect(after["committed"]?.integer == 460 && after["began_after"] == 0)
                let log = await stop(second)
                #expect(!log.contains("in no topic") && !log.contains("behind a later event"), "\(log)")
            }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `of two processes one audits, and the other goes on when it ends`() async throws {
        try await RelayFixture.with { place in
            let relays = [try place.run(Self.interval), try place.run(Self.interval)]
            let first = try await begun(place)
            var owners: Set<String> = []
            for round in 1...5 {
                _ = try await place.append(10, from: round * 10)
                let found = try await audited(place, to: round * 10)
                owners.insert(try #require(found["audited_by"]?.string))
            }
            #expect(owners.count == 1)
            let owner = try #require(owners.first)
            let index = try #require(relays.firstIndex { owner.contains("\($0.processID)") })
            _ = await stop(relays[index])
            _ = try await place.append(10, from: 60)
            let after = try await audited(place, to: 60) {
                $0["audited_by"]?.string != owner && $0["audited_by"] != .null
            }
            #expect(
                after["committed"]?.integer == 60 && after["began_after"] == first["began_after"] && adds(up: after))
            #expect(after["missing"] == 0 && after["doubled"] == 0, "\(after)")
            _ = await stop(relays[1 - index])
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `where the process that audits is killed, another goes on long before the lease has ended`() async throws {
        try await RelayFixture.with { place in
            let relays = [try place.run(Self.interval), try place.run(Self.interval)]
            let owner = try #require(
                try await audited(place, to: 0) { $0["audited_by"] != .null }["audited_by"]?.string)
            let index = try #require(relays.firstIndex { owner.contains("\($0.processID)") })
            relays[index].send(SIGKILL)
            let killed = ContinuousClock.now
            _ = await relays[index].result()
            _ = try await audited(place, to: 0) { $0["audited_by"]?.string != owner && $0["audited_by"] != .null }
            #expect(.now - killed < .seconds(8), "the lease is 11 s")
            _ = await stop(relays[1 - index])
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `while one segment halts the others are audited, and what waits in it once it goes on`() async throws {
        try await RelayFixture.with { place in
            let small = Self.interval.merging([
                "GODWIT_KAFKA_MAX_RECORD_BYTES": "2000", "GODWIT_CONSUMERS_IDENTITY_ON_POISON": "halt",
            ]) { $1 }
            var relay = try place.run(small)
            _ = try await begun(place)
            var events = (0..<40).map { Event.sample("user-\($0)") }
            events[2].payload = Array(repeating: 120, count: 5_000)
            _ = try await place.append(events)
            #expect(await relay.waitForError("a segment halts"))
            let beside = try await audited(place, to: 40)
            let waiting = try #require(beside["looked_for_again"]?.integer)
            #expect((1..<40).contains(waiting) && beside["delivered"]?.integer == 40 - waiting && adds(up: beside))
            #expect(beside["missing"] == 0 && beside["reason"] == "first")
            // Beside the halt a loss in another segment is found: its checkpoint has passed what was not delivered.
            _ = await stop(relay)
            _ = try await place.append(20, from: 40)
            let connection = try await place.test.connect()
            let segments = place.test.tables.consumerSegments.sql
            try await connection.execute(
                script:
                    "UPDATE \(segments) SET checkpoint = 60 WHERE checkpoint > (SELECT min(checkpoint) FROM \(segments))"
            )
            await connection.close()
            relay = try place.run(small)
            let lost = try await audited(place, to: 60) { ($0["missing"]?.integer ?? 0) > 0 }
            #expect(adds(up: lost) && lost["reason"] == "first", "\(lost)")
            _ = await stop(relay)
            // The limit is lifted: the segment goes on, and nothing of it is missing.
            relay = try place.run(Self.interval)
            let after = try await audited(place, to: 60) { $0["looked_for_again"] == 0 }
            #expect(after["missing"] == lost["missing"] && adds(up: after) && after["reason"] == "first", "\(after)")
            #expect(after["disordered"] == nil && after["out_of_order"] == 0 && after["doubled"] == 0, "\(after)")
            _ = await stop(relay)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `checkpoints that are set back and other topics have it begin anew, without a false finding`() async throws {
        try await RelayFixture.with { place in
            var relay = try place.run(Self.interval)
            _ = try await begun(place)
            _ = try await place.append(20)
            _ = try await audited(place, to: 20)
            _ = await stop(relay)
            try await moveCheckpoints(place, to: 10)
            relay = try place.run(Self.interval)
            let back = try await audited(place, to: 20) { $0["reason"] == "set_back" }
            #expect(back["began_after"] == 10 && back["missing"] == 0 && adds(up: back), "\(back)")
            let log = await stop(relay)
            #expect(log.contains("the audit begins behind position 10: the consumer's checkpoints were set back"))
            let other = try await place.kafka.makeTopic("other")
            relay = try place.run(Self.interval.merging(["GODWIT_CONSUMERS_IDENTITY_TOPIC": other]) { $1 })
            _ = try await place.append(5, from: 20)
            let moved = try await audited(place, to: 25) { $0["reason"] == "another_route" }
            #expect(moved["missing"] == 0 && moved["looked_for_again"] == 0 && adds(up: moved), "\(moved)")
            _ = await stop(relay)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what may lie behind an open transaction is looked for again, and is not missing`() async throws {
        try await RelayFixture.with { place in
            let topic = try await place.kafka.makeTopic("held", partitions: 1)
            let relay = try place.run(Self.interval.merging(["GODWIT_CONSUMERS_IDENTITY_TOPIC": topic]) { $1 })
            _ = try await begun(place)
            _ = try await place.append(5)
            _ = try await audited(place, to: 5)
            let transaction = try await OpenTransaction.begin(in: topic, of: place.kafka)
            _ = try await place.append(5, from: 5)
            let held = try await audited(place, to: 10) { $0["looked_for_again"] == 5 }
            #expect(held["missing"] == 0 && adds(up: held), "\(held)")
            try await transaction.commit()
            let after = try await audited(place, to: 10) { $0["looked_for_again"] == 0 }
            #expect(after["missing"] == 0 && after["delivered"] == 10 && adds(up: after), "\(after)")
            let log = await stop(relay)
            #expect(!log.contains("in no topic"), "\(log)")
        }
    }

    private func remake(_ place: RelayFixture, _ topic: String) async throws {
        _ = try await Admin.with(place.kafka.client(), logger: quiet) { admin throws(KafkaError) in
            try await admin.deleteTopics([topic])
        }
        try await eventually("the topic is not made anew") {
            do { try await place.kafka.createTopic(topic, partitions: 1) } catch { return false }
            return true
        }
    }

    @Test(.onEmbeddedBroker, .timeLimit(.minutes(2)))
    func `a topic that is made anew has it begin anew, whether it is shorter or longer by then`() async throws {
        try await RelayFixture.with { place in
            let topic = try await place.kafka.makeTopic("anew", partitions: 1)
            let variables = Self.interval.merging(["GODWIT_CONSUMERS_IDENTITY_TOPIC": topic]) { $1 }
            var relay = try place.run(variables)
            _ = try await begun(place)
            _ = try await place.append(5)
            _ = try await audited(place, to: 5)
            _ = await stop(relay)
            // Longer: the records 0 to 4 are others than those that were read.
            try await remake(place, topic)
            _ = try await place.append(10, from: 5)
            _ = try await place.report(["catch-up", "identity"], ["GODWIT_CONSUMERS_IDENTITY_TOPIC": topic])
            relay = try place.run(variables)
            let longer = try await audited(place, to: 15) { $0["reason"] == "topics_changed" }
            #expect(longer["missing"] == 0 && adds(up: longer), "\(longer)")
            // What the topic had is gone, which is a problem until it is looked at.
            let status = try await place.godwit(["status"], variables)
            #expect(status.exitCode == 4 && status.standardOutput.contains("GW-AUDIT-FOUND"), "\(status)")
            _ = try await place.append(10, from: 15)
            _ = try await audited(place, to: 25)
            _ = await stop(relay)
            // Shorter.
            try await remake(place, topic)
            relay = try place.run(variables)
            _ = try await place.append(2, from: 25)
            let shorter = try await audited(place, to: 27) { ($0["began_after"]?.integer ?? 0) >= 25 }
            #expect(shorter["missing"] == 0 && shorter["reason"] == "topics_changed" && adds(up: shorter), "\(shorter)")
            let log = await stop(relay)
            #expect(!log.contains("in no topic"), "\(log)")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `partitions that are added are read too`() async throws {
        try await RelayFixture.with { place in
            let topic = try await place.kafka.makeTopic("grows", partitions: 1)
            let variables = Self.interval.merging(["GODWIT_CONSUMERS_IDENTITY_TOPIC": topic]) { $1 }
            var relay = try place.run(variables)
            _ = try await begun(place)
            _ = try await place.append(5)
            _ = try await audited(place, to: 5)
            _ = await stop(relay)
            _ = try await Admin.with(place.kafka.client(), logger: quiet) { admin throws(KafkaError) in
                try await admin.addPartitions(to: topic, total: 5)
            }
            relay = try place.run(variables)
            _ = try await place.append(20, from: 5)
            let after = try await audited(place, to: 25)
            #expect(after["delivered"] == 25 && after["missing"] == 0 && after["looked_for_again"] == 0, "\(after)")
            _ = await stop(relay)
        }
    }

    @Test func `an audit needs the events' ids in the records`() async throws {
        let variables = [
            "GODWIT_AUDIT_INTERVAL": "5m", "GODWIT_CONSUMERS_A_TOPIC": "a", "GODWIT_CONSUMERS_A_HEADERS": "none",
            "GODWIT_DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
            "GODWIT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        ]
        var command = Command.godwit(environment: variables)
        command.arguments = ["run"]
        let result = try await command.run()
        #expect(result.exitCode == 78 && result.standardError.contains("leave out event_id"), "\(result)")
    }
}
