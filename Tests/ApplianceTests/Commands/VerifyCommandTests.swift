import EventSourcing
import Foundation
import Kafka
import KafkaTestBroker
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// `godwit verify`: what it finds, what it fixes, and how it ends.
@Suite struct VerifyCommandTests {
    private let verify = ["verify", "--consumer", "identity"]

    /// Appends events and delivers them by the consumer's own flow.
    private func deliver(_ count: Int, _ place: RelayFixture, _ more: [String: String] = [:]) async throws {
        _ = try await place.appendBacklog(count / 10, aggregates: 10)
        let report = try await place.report(["catch-up", "identity"], more)
        #expect(report["published"]?.integer == count)
    }

    private func finding(_ report: JSONValue, _ name: String) -> Int? { report[name]?["events"]?.integer }

    private func positions(_ report: JSONValue, _ name: String) -> [Int] {
        report[name]?["examples"]?.items.compactMap { $0["position"]?.integer } ?? []
    }

    static let formats: [[String: String]] = [
        [:], ["GODWIT_CONSUMERS_IDENTITY_HEADER_PREFIX": "x-"],
        ["GODWIT_CONSUMERS_IDENTITY_HEADER_PREFIX": "x-", "GODWIT_CONSUMERS_IDENTITY_HEADERS": "minimal"],
        ["GODWIT_CONSUMERS_IDENTITY_HEADERS": "event_id"],
        [
            "GODWIT_CONSUMERS_IDENTITY_FORMAT": "cloudevents_binary",
            "GODWIT_CONSUMERS_IDENTITY_CLOUDEVENTS_SOURCE": "/test",
            "GODWIT_CONSUMERS_IDENTITY_HEADERS": "minimal",
        ],
        [
            "GODWIT_CONSUMERS_IDENTITY_FORMAT": "cloudevents_binary",
            "GODWIT_CONSUMERS_IDENTITY_CLOUDEVENTS_SOURCE": "/test",
        ],
        [
            "GODWIT_CONSUMERS_IDENTITY_FORMAT": "cloudevents_structured",
            "GODWIT_CONSUMERS_IDENTITY_CLOUDEVENTS_SOURCE": "/test",
        ],
    ]

    /// The place of an event's global position in a record, by the order in which a single partition has them.
    @Test(.timeLimit(.minutes(2)), arguments: formats)
    func `a hole, a double and a disorder made by hand are found, each by its event`(
        format: [String: String]
    ) async throws {
        try await RelayFixture.with { place in
            let source = try await place.kafka.makeTopic("source", partitions: 1)
            let variables = format.merging(["GODWIT_CONSUMERS_IDENTITY_TOPIC": source]) { $1 }
            try await deliver(400, place, variables)
            let clean = try await place.report(verify, variables)
            #expect(clean["clean"] == true && clean["committed"]?.integer == 400, "\(clean.text)")
            #expect(clean["delivered"]?.integer == 400 && clean["records_read"]?.integer == 400)

            // One partition, so that a record's offset gives its event: position one more than offset.
            var records = try await place.kafka.readAll([source])
            #expect(records.count == 400)
            let aggregate = records[20].key
            #expect(records[21].key == aggregate)
            records.swapAt(20, 21)
            records.append(records[300])
            records.append(records[300])
            records.remove(at: 130)
            let broken = try await place.kafka.makeTopic("broken", partitions: 1)
            try await HandWritten.write(records, to: broken, of: place.kafka)
            let arguments = verify + ["--to-topic", broken]
            let report = try await place.report(arguments, variables, exits: 1)
            #expect(report["clean"] == false)
            #expect(positions(report, "missing") == [131] && finding(report, "missing") == 1)
            #expect(positions(report, "doubled") == [301] && finding(report, "doubled") == 1)
            #expect(positions(report, "out_of_order") == [22] && finding(report, "out_of_order") == 1)
            #expect(report["delivered"]?.integer == 399)

            // Small windows find the same.
            let windows = try await place.report(arguments + ["--window", "7"], variables, exits: 1)
            for name in ["missing", "doubled", "out_of_order"] {
                #expect(positions(windows, name) == positions(report, name), "\(name)")
            }
            // A range without them is clean, and so is one with the double alone if doubles may be.
            let range = ["--from-position", "23", "--to-position", "130"]
            #expect(try await place.report(arguments + range, variables)["committed"]?.integer == 108)
            let doubled = arguments + ["--from-position", "200"]
            _ = try await place.report(doubled, variables, exits: 1)
            #expect(try await place.report(doubled + ["--allow-doubled"], variables)["clean"] == true)
            let text = try await place.godwit(arguments, variables)
            #expect(text.exitCode == 1 && text.standardOutput.contains("1 missing"), "\(text.standardOutput)")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a repair publishes exactly what is missing, and then nothing is`() async throws {
        try await RelayFixture.with { place in
            let source = try await place.kafka.makeTopic("source", partitions: 3)
            try await deliver(200, place, ["GODWIT_CONSUMERS_IDENTITY_TOPIC": source])
            let holes: Set<String> = ["3", "77", "78", "200"]
            let records = try await place.kafka.readAll([source])
            try await HandWritten.write(
                records.filter { !holes.contains($0.header("global_position") ?? "") }, to: place.topic,
                of: place.kafka)
            let report = try await place.report(verify + ["--repair"])
            #expect(finding(report, "missing") == 4)
            #expect(report["repair"]?["published"]?.integer == 4 && report["repair"]?["state"]?.string == "done")
            let fixed = try await place.kafka.readAll([place.topic]).filter {
                $0.header("godwit_republish_job") == report["repair"]?["job"]?.string
            }
            #expect(Set(fixed.compactMap { $0.header("global_position") }) == holes && fixed.count == 4)
            // They come behind later ones of their aggregates, which cannot be otherwise and is reported.
            let after = try await place.report(verify)
            #expect(after["clean"] == true && after["only_republished"]?.integer == 4)
            let again = try await place.report(verify + ["--repair"])
            #expect(again["repair"] == .null)
            #expect(try await place.report(["republish", "--list"]).items.count == 1)
            // A whole republish beside the live records is no double.
            _ = try await place.report(["republish", "--job", "all", "--consumer", "identity"])
            let all = try await place.report(verify)
            #expect(all["clean"] == true && all["republished"]?.integer == 200)
            #expect(finding(all, "doubled") == 0)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what is behind the checkpoint is not due, and what is set aside is not missing`() async throws {
        try await RelayFixture.with { place in
            try await deliver(200, place)
            _ = try await place.append(30, from: 1_000)
            // Nobody will deliver them.
            let report = try await place.report(verify, exits: 4)
            #expect(report["clean"] == false && finding(report, "pending") == 30 && report["committed"]?.integer == 230)
            #expect(report["why_not_delivered"]?.items.first?["kind"]?.string == "no_owner")
            let relay = try place.run()
            try await eventually("the relay's own account is not clean") {
                try await place.godwit(verify).standardOutput.hasSuffix("nothing is wrong\n")
            }
            relay.send(SIGTERM)
            _ = await relay.result()
            _ = try await place.append(30, from: 2_000)

            let connection = try await place.test.connect()
            try await connection.execute(
                script: """
                    SET search_path = \(place.test.tables.godwitSchema);
                    UPDATE consumer_segments SET checkpoint = 260;
                    INSERT INTO dead_letters (consumer_name, global_position, segment_id, event_id, event_type,
                        bounded_context, aggregate_type, aggregate_id, aggregate_version, state, is_cause, reason, error)
                    SELECT 'identity', global_position, 0, event_id, event_type, bounded_context, aggregate_type,
                        aggregate_id, aggregate_version,
                        CASE WHEN global_position = 231 THEN 'discarded' ELSE 'parked' END, true, 'test', 'test'
                    FROM events WHERE global_position IN (231, 232, 233);
                    """)
            let parked = try await place.report(verify, exits: 1)
            #expect(positions(parked, "parked") == [232, 233] && positions(parked, "discarded") == [231])
            #expect(finding(parked, "missing") == 27 && finding(parked, "pending") == 0)

            // A consumer that was never started has nothing to repair.
            try await connection.execute(
                script: "DELETE FROM \(place.test.tables.consumerSegments.sql); DELETE FROM "
                    + place.test.tables.godwitTable("dead_letters").sql)
            let unknown = try await place.report(verify + ["--repair"], exits: 4)
            #expect(finding(unknown, "pending") == 30 && unknown["consumer_has_checkpoints"] == false)
            #expect(unknown["repair"] == .null && finding(unknown, "missing") == 0)
            #expect(unknown["why_not_delivered"]?.items.first?["kind"]?.string == "not_started")
            await connection.close()
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what went to the dead-letter topic is not missing`() async throws {
        try await RelayFixture.with { place in
            let letters = try await place.kafka.makeTopic("letters")
            var events = (0..<5).map { Event.sample("user-\($0)") }
            events[3].payload = Array(repeating: 120, count: 5_000)
            _ = try await place.append(events)
            let variables = [
                "GODWIT_CONSUMERS_IDENTITY_ON_POISON": "dead_letter_topic",
                "GODWIT_CONSUMERS_IDENTITY_DEAD_LETTER_TOPIC": letters, "GODWIT_KAFKA_MAX_RECORD_BYTES": "2000",
            ]
            let caughtUp = try await place.report(["catch-up", "identity"], variables)
            #expect(caughtUp["published"]?.integer == 4 && caughtUp["dead_lettered"]?.integer == 1)
            let report = try await place.report(verify, variables)
            #expect(positions(report, "dead_lettered") == [4] && report["delivered"]?.integer == 4, "\(report.text)")
            let without = try await place.report(verify, exits: 1)
            #expect(positions(without, "missing") == [4])
        }
    }

    @Test(.onEmbeddedBroker, .timeLimit(.minutes(2)))
    func `what retention may have deleted cannot be known, what it left is missing if it is not there`() async throws {
        var configuration = BrokerConfiguration()
        configuration.retentionCheckInterval = .milliseconds(50)
        let broker = try await KafkaTestBroker.start(configuration)
        let kafka = TestKafka(bootstrapServers: broker.bootstrapServers)
        try await RelayFixture.with(kafka) { place in
            let admin = try Admin(kafka.client(), logger: quiet)
            let topic = kafka.uniqueTopic("short")
            let made = TopicSpecification(
                topic, partitions: 1, settings: ["retention.ms": "3600000", "segment.bytes": "1024"])
            _ = try await admin.createTopics([made])
            await admin.close()
            var old = (0..<20).map { Event.sample("user-\($0)", payload: String(repeating: "1", count: 300)) }
            for index in old.indices { old[index].createdAt = Date.now.addingTimeInterval(-86_400 + Double(index)) }
            _ = try await place.append(old)
            let variables = ["GODWIT_CONSUMERS_IDENTITY_TOPIC": topic]
            _ = try await place.report(["catch-up", "identity"], variables)
            _ = try await place.append((0..<10).map { .sample("user-\($0)", payload: "{}") })
            _ = try await place.report(["catch-up", "identity"], variables)
            let reader = try Reader(kafka.client(), logger: quiet)
            try await eventually("retention never came") {
                try await reader.watermarks(of: TopicPartition(topic, 0)).lowerBound >= 20
            }
            await reader.close()
            let report = try await place.report(verify, variables)
            #expect(finding(report, "not_to_be_known") == 20 && report["delivered"]?.integer == 10, "\(report.text)")

            // Behind what retention took, a hole is a hole.
            _ = try await place.append([.sample("user-1")])
            let connection = try await place.test.connect()
            try await connection.execute(
                script: "UPDATE \(place.test.tables.consumerSegments.sql) SET checkpoint = 31")
            await connection.close()
            let hole = try await place.report(verify, variables, exits: 1)
            #expect(positions(hole, "missing") == [31] && finding(hole, "not_to_be_known") == 20)
        }
        await broker.stop()
    }

    @Test(.timeLimit(.minutes(2)))
    func `records that name no event cannot be compared, which is reported before anything is read`() async throws {
        try await RelayFixture.with { place in
            let headers = "GODWIT_CONSUMERS_IDENTITY_HEADERS"
            _ = try await place.append(20)
            _ = try await place.report(["catch-up", "identity"], [headers: "none"])
            for choice in ["none", "event_type,global_position"] {
                for arguments in [verify, verify + ["--json"], verify + ["--repair"]] {
                    try await place.expectRefusal(arguments, 78, "leaves out event_id", [headers: choice])
                }
                // Neither server is asked.
                let away = [
                    headers: choice, "GODWIT_DATABASE_URL": "postgres://x@127.0.0.1:1/x",
                    "GODWIT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
                ]
                try await place.expectRefusal(verify, 78, "cannot tell", away)
            }
            // Under another choice what was sent before still names no event.
            _ = try await place.append(40, from: 1_000)
            _ = try await place.report(["catch-up", "identity"], [headers: "minimal"])
            let report = try await place.report(verify, [headers: "minimal"], exits: 1)
            #expect(finding(report, "missing") == 20 && report["delivered"]?.integer == 40, "\(report.text)")
            #expect(report["records_without_event_id"]?.integer == 20)
            let text = try await place.godwit(verify, [headers: "minimal"])
            #expect(text.standardOutput.contains("20 records in the topics name no event"), "\(text.standardOutput)")
            let later = try await place.report(verify + ["--from-position", "21"], [headers: "minimal"])
            #expect(later["clean"] == true && later["committed"]?.integer == 40)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what was sent before the id was renamed is found; of other names the cause is named`() async throws {
        try await RelayFixture.with { place in
            let headers = "GODWIT_CONSUMERS_IDENTITY_HEADERS"
            let (first, second) = ([headers: "{ event_id: id }"], [headers: "{ event_id: other }"])
            _ = try await place.append(20)
            _ = try await place.report(["catch-up", "identity"])
            #expect(try await place.report(verify, first)["clean"] == true)
            _ = try await place.append(10, from: 1_000)
            _ = try await place.report(["catch-up", "identity"], first)
            #expect(try await place.report(verify, first)["clean"] == true)
            let text = try await place.godwit(verify, second)
            #expect(
                text.exitCode == 1 && text.standardOutput.contains("or it had another name"), "\(text.standardOutput)")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what cannot be compared is refused, and says what to do`() async throws {
        try await RelayFixture.with { place in
            _ = try await place.append(5)
            try await place.expectRefusal(["verify", "--consumer", "nobody"], 64, "it has identity")
            try await place.expectRefusal(
                verify + ["--from-position", "4", "--to-position", "2"], 64, "exchange the two")
            try await place.expectRefusal(verify + ["--to-position", "9"], 64, "does not exist yet")
            try await place.expectRefusal(verify + ["--window", "0"], 64, "--window")
            try await place.expectRefusal(verify, 22, "absent", ["GODWIT_CONSUMERS_IDENTITY_TOPIC": "absent"])
            try await place.expectRefusal(
                verify, 22, "absent.User", ["GODWIT_CONSUMERS_IDENTITY_TOPIC": "absent.{aggregate_type}"])
        }
    }
}
