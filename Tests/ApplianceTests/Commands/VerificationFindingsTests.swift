import EventSourcing
import Foundation
import KafkaTestBroker
import Postgres
import TestSupport
import Testing

@testable import Appliance
@testable import Kafka

/// What `verify` makes of worlds in which "missing" or "nothing is wrong" would be a guess.
@Suite struct VerificationFindingsTests {
    private let verify = ["verify", "--consumer", "identity"]

    private func finding(_ report: JSONValue, _ name: String) -> [Int] {
        report[name]?["examples"]?.items.compactMap { $0["position"]?.integer } ?? []
    }

    /// Publishes some events to a topic of its own, and writes its records, changed, into the fixture's topic.
    private func rewrite(
        _ events: [Event], _ place: RelayFixture, into topic: String? = nil,
        _ change: (inout [ConsumedRecord]) -> Void
    ) async throws {
        _ = try await place.append(events)
        let source = try await place.kafka.makeTopic("source", partitions: 1)
        _ = try await place.report(["catch-up", "identity"], ["GODWIT_CONSUMERS_IDENTITY_TOPIC": source])
        var records = try await place.kafka.readAll([source])
        change(&records)
        try await HandWritten.write(records, to: topic ?? place.topic, of: place.kafka)
    }

    @Test(.timeLimit(.minutes(2)))
    func `a halted consumer's events are not delivered, for the reason that status gives`() async throws {
        try await RelayFixture.with { place in
            var events = (0..<20).map { _ in Event.sample("user-1") }
            events[2].payload = Array(repeating: 120, count: 5_000)
            _ = try await place.append(events)
            let variables = [
                "GODWIT_KAFKA_MAX_RECORD_BYTES": "2000", "GODWIT_CONSUMERS_IDENTITY_ON_POISON": "halt",
            ]
            let relay = try place.run(variables)
            #expect(await relay.waitForError("a segment halts"))
            try await eventually("status does not say it") {
                try await place.godwit(["status"], variables).standardOutput.contains("halted: ")
            }
            let text = try await place.godwit(verify, variables)
            #expect(text.exitCode == 4 && text.standardOutput.contains("18 not delivered:"), "\(text.standardOutput)")
            #expect(text.standardOutput.contains("halted: ") && !text.standardOutput.contains("nothing is wrong"))
            let report = try await place.report(verify, variables, exits: 4)
            #expect(report["verdict"]?.string == "not_delivered" && report["clean"] == false)
            #expect(report["why_not_delivered"]?.items.contains { $0["kind"]?.string == "halted" } == true)
            relay.send(SIGTERM)
            _ = await relay.result()
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a range without an event was not found right, and no job has published it`() async throws {
        try await RelayFixture.with { place in
            _ = try await place.append(10)
            _ = try await place.report(["catch-up", "identity"])
            let nobody = ["--aggregate-id", "nobody"]
            let text = try await place.godwit(verify + nobody)
            #expect(text.exitCode == 5 && text.standardOutput.contains("no event lies in this range"))
            let report = try await place.report(verify + nobody, exits: 5)
            #expect(report["verdict"]?.string == "empty" && report["clean"] == false)
            let republish = ["republish", "--job", "nothing", "--consumer", "identity"] + nobody
            let counted = try await place.godwit(republish + ["--dry-run"])
            #expect(counted.exitCode == 5 && counted.standardOutput.contains("no event that is asked for lies"))
            for _ in 1...2 {
                let done = try await place.godwit(republish)
                #expect(done.exitCode == 5 && done.standardOutput.contains("published nothing"), "\(done)")
            }
            #expect(try await place.godwit(verify).exitCode == 0)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a record in another topic is not delivered, and one with another value or key is found when asked for`()
        async throws
    {
        try await RelayFixture.with { place in
            let stem = place.kafka.uniqueTopic("typed")
            for type in ["User", "Account"] { try await place.kafka.createTopic("\(stem).\(type)", partitions: 1) }
            let variables = ["GODWIT_CONSUMERS_IDENTITY_TOPIC": "\(stem).{aggregate_type}"]
            let events = (0..<6).map { Event.sample("user-\($0)", aggregateType: $0 < 3 ? "User" : "Account") }
            let wrong = place.kafka.uniqueTopic("wrong")
            try await place.kafka.createTopic(wrong, partitions: 1)
            _ = try await place.append(events)
            _ = try await place.report(["catch-up", "identity"], ["GODWIT_CONSUMERS_IDENTITY_TOPIC": wrong])
            let records = try await place.kafka.readAll([wrong])
            func write(_ positions: [Int], _ topic: String, _ change: (ConsumedRecord) -> ConsumedRecord = { $0 })
                async throws
            {
                let chosen = records.filter { positions.contains(Int($0.header("global_position") ?? "") ?? 0) }
                try await HandWritten.write(chosen.map(change), to: topic, of: place.kafka)
            }
            try await write([1, 2], "\(stem).User")
            try await write([4], "\(stem).Account")
            // Another key leads readers to another partition, and to another aggregate.
            try await write([5], "\(stem).Account") { record in
                ConsumedRecord(
                    topic: record.topic, partition: 0, offset: 0, timestamp: record.timestamp,
                    key: Array("user-9".utf8),
                    value: record.value, headers: record.headers)
            }
            try await write([3], "\(stem).Account")
            try await write([6], "\(stem).Account") { record in
                ConsumedRecord(
                    topic: record.topic, partition: 0, offset: 0, timestamp: record.timestamp, key: record.key,
                    value: Array("{\"changed\":true}".utf8), headers: record.headers)
            }
            let report = try await place.report(verify, variables, exits: 1)
            #expect(finding(report, "missing") == [3] && finding(report, "misplaced") == [3], "\(report.text)")
            #expect(finding(report, "different") == [] && report["delivered"]?.integer == 5)
            #expect(report["missing"]?["examples"]?.items.first?["aggregate"]?.string == "Identity User user-2")
            let values = try await place.report(verify + ["--values"], variables, exits: 1)
            #expect(finding(values, "different") == [5, 6] && values["values_compared"] == true, "\(values.text)")
            // Where the value is made for the record, it is made for the comparison too.
            let structured = variables.merging([
                "GODWIT_CONSUMERS_IDENTITY_FORMAT": "cloudevents_structured",
                "GODWIT_CONSUMERS_IDENTITY_CLOUDEVENTS_SOURCE": "/test",
                "GODWIT_CONSUMERS_IDENTITY_TOPIC": place.topic,
            ]) { $1 }
            _ = try await place.godwit(["republish", "--job", "all", "--consumer", "identity"], structured)
            let clean = try await place.report(verify + ["--values"], structured)
            #expect(clean["clean"] == true && clean["delivered"]?.integer == 6)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `the account of a range adds up`() async throws {
        try await RelayFixture.with { place in
            try await rewrite((0..<12).map { .sample("user-\($0 % 3)") }, place) { $0.remove(at: 4) }
            let result = try await place.godwit(verify + ["--account"])
            #expect(result.exitCode == 1)
            var (sum, total) = (0, 0)
            for line in result.standardOutput.split(separator: "\n").drop(while: { !$0.hasPrefix("account of") })
                .dropFirst()
            {
                let count = Int(line.split(separator: " ").last ?? "") ?? 0
                if line.hasPrefix("sum: committed") {
                    total = count
                } else if !line.hasPrefix(" ") {
                    sum += count
                }
            }
            #expect(total == 12 && sum == 12, "\(result.standardOutput)")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what may lie behind an open transaction is not missing`() async throws {
        try await RelayFixture.with { place in
            let topic = try await place.kafka.makeTopic("held", partitions: 1)
            let variables = ["GODWIT_CONSUMERS_IDENTITY_TOPIC": topic]
            _ = try await place.append(10)
            _ = try await place.report(["catch-up", "identity"], variables)
            let transaction = try await OpenTransaction.begin(in: topic, of: place.kafka)
            _ = try await place.append(5, from: 10)
            _ = try await place.report(["catch-up", "identity"], variables)
            let report = try await place.report(verify + ["--wait", "0", "--repair"], variables, exits: 6)
            #expect(finding(report, "hidden") == [11, 12, 13, 14, 15] && finding(report, "missing") == [])
            #expect(report["repair"] == .null)
            #expect(report["open_transactions"]?.items.first?["partition"]?.string?.contains(topic) == true)
            let text = try await place.godwit(verify + ["--wait", "0"], variables)
            #expect(text.exitCode == 6 && text.standardOutput.contains("not everything could be seen"))
            // Nor is it right that nothing is doubled behind it.
            let before = try await place.report(verify + ["--wait", "0", "--to-position", "10"], variables, exits: 6)
            #expect(before["verdict"]?.string == "unproven" && before["delivered"]?.integer == 10)
            // A caller that waits for its end sees all.
            async let patient = place.report(verify + ["--wait", "60"], variables)
            // Long enough that it waits, which nothing shows from outside; it is right too if it does not yet.
            try await Task.sleep(for: .seconds(1))
            try await transaction.commit()
            let clean = try await patient
            #expect(clean["clean"] == true && clean["delivered"]?.integer == 15)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `partitions that are added while it waits are read too`() async throws {
        try await RelayFixture.with { place in
            let topic = try await place.kafka.makeTopic("growing", partitions: 1)
            let variables = ["GODWIT_CONSUMERS_IDENTITY_TOPIC": topic]
            var later: [ConsumedRecord] = []
            try await rewrite((0..<30).map { .sample("user-\($0)") }, place, into: topic) { records in
                later = Array(records.suffix(20))
                records.removeLast(20)
            }
            let transaction = try await OpenTransaction.begin(in: topic, of: place.kafka)
            async let patient = place.report(verify + ["--wait", "60"], variables)
            // Long enough that it waits, which nothing shows from outside.
            try await Task.sleep(for: .seconds(2))
            _ = try await Admin.with(place.kafka.client(), logger: quiet) { admin throws(KafkaError) in
                try await admin.addPartitions(to: topic, total: 4)
            }
            try await HandWritten.write(later, to: topic, of: place.kafka)
            try await transaction.commit()
            let report = try await patient
            #expect(report["clean"] == true && report["delivered"]?.integer == 30, "\(report.text)")
            let partitions = Set(try await place.kafka.readAll([topic]).map(\.partition))
            #expect(partitions.count > 1, "the new partitions hold some")
        }
    }

    @Test(.onEmbeddedBroker, .timeLimit(.minutes(2)))
    func `compaction may have replaced a record that a later one of its key follows, and no other`() async throws {
        try await RelayFixture.with { place in
            let topic = place.kafka.uniqueTopic("compacted")
            _ = try await Admin.with(place.kafka.client(), logger: quiet) { admin throws(KafkaError) in
                try await admin.createTopics([
                    TopicSpecification(topic, partitions: 1, settings: ["cleanup.policy": "compact"])
                ])
            }
            // Positions 1 to 9, the keys user-0, user-1, user-2 in turn.
            try await rewrite((0..<9).map { .sample("user-\($0 % 3)") }, place, into: topic) { records in
                // Of user-0 an earlier one, of user-1 the last one, of user-2 all.
                records.removeAll { ["1", "8", "3", "6", "9"].contains($0.header("global_position") ?? "") }
            }
            let variables = ["GODWIT_CONSUMERS_IDENTITY_TOPIC": topic]
            let report = try await place.report(verify, variables, exits: 1)
            #expect(finding(report, "missing") == [8], "\(report.text)")
            #expect(finding(report, "not_to_be_known") == [1] && finding(report, "unproven") == [3, 6, 9])
            let proven = try await place.report(verify + ["--aggregate-id", "user-0"], variables)
            #expect(proven["clean"] == true)
            let unproven = try await place.report(verify + ["--aggregate-id", "user-2"], variables, exits: 6)
            #expect(unproven["verdict"]?.string == "unproven")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what lacks offsets may have been compacted once, whatever is set today`() async throws {
        try await RelayFixture.with { place in
            let topic = try await place.kafka.makeTopic("holed", partitions: 1)
            // Markers of a transaction take offsets too.
            let transaction = try await OpenTransaction.begin(in: topic, of: place.kafka)
            try await transaction.commit()
            try await rewrite((0..<9).map { .sample("user-\($0 % 3)") }, place, into: topic) { records in
                records.removeAll { ["1", "8"].contains($0.header("global_position") ?? "") }
            }
            let report = try await place.report(verify, ["GODWIT_CONSUMERS_IDENTITY_TOPIC": topic], exits: 1)
            // A later record of its key may have replaced the one, and none can have replaced the other.
            #expect(finding(report, "unproven") == [1] && finding(report, "missing") == [8], "\(report.text)")
        }
    }

    /// The clock of brokers, or a time that others gave the records, is not the events'.
    @Test(.timeLimit(.minutes(2)))
    func `a record with an earlier time than its event is found before it is called missing`() async throws {
        try await RelayFixture.with { place in
            try await rewrite((0..<8).map { .sample("user-\($0)") }, place) { records in
                records = records.map { record in
                    ConsumedRecord(
                        topic: record.topic, partition: 0, offset: 0, timestamp: 1_000_000_000_000, key: record.key,
                        value: record.value, headers: record.headers)
                }
            }
            let report = try await place.report(verify)
            #expect(report["clean"] == true && report["delivered"]?.integer == 8, "\(report.text)")
        }
    }
}
