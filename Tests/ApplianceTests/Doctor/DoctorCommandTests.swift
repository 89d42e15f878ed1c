import EventSourcing
import FoundationEssentials
import Glibc
import Kafka
import KafkaTestBroker
import LocalPostgres
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// `godwit doctor` on real servers with one thing wrong at a time.
@Suite struct DoctorCommandTests {
    private struct Answer {
        let exitCode: Int32
        let findings: [String: (severity: String, message: String, remedy: String)]

        init(_ result: Command.Result) throws {
            exitCode = result.exitCode
            var findings: [String: (String, String, String)] = [:]
            guard case .array(let items) = try JSONParser.parse(result.standardOutput)["findings"] else {
                throw Failure(.internalError, "no findings: \(result.standardError)")
            }
            for item in items {
                guard case .string(let check) = item["check"], case .string(let severity) = item["severity"],
                    case .string(let message) = item["message"]
                else { continue }
                var remedy = ""
                if case .string(let text) = item["remedy"] { remedy = text }
                findings[check] = (severity, message, remedy)
            }
            self.findings = findings
        }

        var errors: [String] { findings.filter { $0.value.severity == "error" }.keys.sorted() }
    }

    private func ask(_ place: RelayFixture, _ more: [String: String] = [:]) async throws -> Answer {
        let environment = place.variables.merging(more) { $1 }
        return try Answer(try await Command.godwit("doctor", "--json", environment: environment).run())
    }

    @Test func `where all is well it says so, for people too`() async throws {
        try await RelayFixture.with { place in
            let answer = try await ask(place)
            #expect(answer.exitCode == 0 && answer.errors.isEmpty, "\(answer.findings)")
            let text = try await Command.godwit("doctor", environment: place.variables).run()
            #expect(text.exitCode == 0)
            #expect(text.standardOutput.contains("Relaying works"))
            #expect(text.standardOutput.contains("as postgres"))
        }
    }

    @Test func `records that name no event are a note`() async throws {
        try await RelayFixture.with { place in
            let headers = "GODWIT_CONSUMERS_IDENTITY_HEADERS"
            for choice in ["none", "event_type"] {
                let answer = try await ask(place, [headers: choice])
                let finding = try #require(answer.findings["headers"])
                #expect(answer.exitCode == 0 && finding.severity == "note" && finding.remedy.contains("minimal"))
            }
            #expect(try await ask(place, [headers: "minimal"]).findings["headers"] == nil)
            #expect(try await ask(place).findings["headers"] == nil)
        }
    }

    @Test func `servers that are away are errors, each by itself`() async throws {
        let result = try await Command.godwit(
            "doctor", "--json",
            environment: [
                "GODWIT_DATABASE_URL": "postgres://x@127.0.0.1:1/x", "GODWIT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
                "GODWIT_CONSUMERS_A_TOPIC": "a",
            ]
        ).run()
        let answer = try Answer(result)
        #expect(answer.exitCode == 4)
        #expect(answer.errors == ["database", "kafka"])
    }

    @Test func `what is wrong with the schema, the sequence and the segments is found`() async throws {
        try await RelayFixture.with { place in
            let connection = try await place.test.connect()
            let schema = place.test.tables.godwitSchema
            try await connection.execute(
                script: """
                    SET search_path = \(schema);
                    ALTER SEQUENCE events_global_position_seq CACHE 20;
                    DROP TRIGGER godwit_notify ON events;
                    DELETE FROM schema_migrations WHERE version > 5;
                    INSERT INTO consumer_segments SELECT 'identity', s, 8 FROM generate_series(0, 7) AS s;
                    """)
            let answer = try await ask(place, ["GODWIT_NOTIFY_MODE": "adaptive"])
            #expect(answer.exitCode == 4)
            #expect(answer.errors == ["schema", "sequence_cache"], "\(answer.findings)")
            #expect(answer.findings["segments"]?.severity == "note")
            #expect(answer.findings["notify_trigger"]?.severity == "note")
            // The remedies as they are told.
            try await connection.execute(
                script:
                    "SET search_path = \(schema); \(answer.findings["sequence_cache"]?.remedy.split(separator: ";").first ?? "")"
            )
            let migrated = try await Command.godwit("migrate", environment: place.variables).run()
            #expect(migrated.exitCode == 0)
            let fixed = try await ask(place, ["GODWIT_CONSUMERS_IDENTITY_TOTAL_SEGMENTS": "8"])
            #expect(fixed.exitCode == 0, "\(fixed.findings)")
            await connection.close()
        }
    }

    @Test func `a transaction that was left open is named`() async throws {
        try await RelayFixture.with { place in
            let leak = try await Connection.open(
                ConnectionConfiguration(place.test.url, applicationName: "leaky shop"))
            try await leak.execute(
                script: "BEGIN; SELECT nextval('\(place.test.tables.events.schema).events_global_position_seq')")
            let start = ContinuousClock.now
            try await eventually("the transaction is old enough") { ContinuousClock.now - start > .seconds(11) }
            let answer = try await ask(place)
            let finding = try #require(answer.findings["horizon"])
            #expect(finding.severity == "error" && finding.message.contains("leaky shop"))
            let connection = try await place.test.connect()
            let role = TestDatabase.uniqueName("relay")
            try await connection.execute(script: "CREATE ROLE \(role) LOGIN")
            let other = try await ask(place, ["GODWIT_DATABASE_URL": place.test.url + "?user=\(role)"])
            #expect(other.findings["horizon"]?.severity == "warning", "\(other.findings)")
            try await connection.execute(script: "DROP ROLE \(role)")
            try await connection.execute(script: finding.remedy)
            let ended = try await ask(place)
            #expect(ended.findings["horizon"] == nil)
            await connection.close()
            await leak.close()
        }
    }

    @Test func `rights that are missing are named, and the grants fix them`() async throws {
        try await RelayFixture.with { place in
            let role = TestDatabase.uniqueName("relay")
            let connection = try await place.test.connect()
            try await connection.execute(script: "CREATE ROLE \(role) LOGIN")
            let own = ["GODWIT_DATABASE_URL": place.test.url + "?user=\(role)"]
            let before = try await ask(place, own)
            #expect(before.errors == ["grants"], "\(before.findings)")
            #expect(before.findings["grants"]?.remedy.contains("godwit migrate --grants \(role)") == true)
            let granted = try await Command.godwit("migrate", "--grants", role, environment: place.variables).run()
            #expect(granted.exitCode == 0)
            let after = try await ask(place, own)
            #expect(after.exitCode == 0 && after.findings["superuser"] == nil, "\(after.findings)")
            try await connection.execute(script: "DROP OWNED BY \(role); DROP ROLE \(role)")
            await connection.close()
        }
    }

    @Test func `topics that are absent, too small or compacted are found`() async throws {
        try await TestKafka.withBroker { kafka, _ in
            try await RelayFixture.with(kafka) { place in
                let admin = try Admin(kafka.client(), logger: quiet)
                let topic = kafka.uniqueTopic()
                _ = try await admin.createTopics([
                    TopicSpecification(
                        topic, partitions: 2,
                        settings: ["max.message.bytes": "5000", "cleanup.policy": "compact"])
                ])
                await admin.close()
                let answer = try await ask(
                    place,
                    ["GODWIT_CONSUMERS_IDENTITY_TOPIC": topic, "GODWIT_KAFKA_MAX_RECORD_BYTES": "1000000"])
                #expect(answer.errors == ["max_message_bytes"], "\(answer.findings)")
                #expect(answer.findings["compaction"]?.severity == "warning")
                #expect(answer.findings["partitions"]?.severity == "warning")
                let absent = kafka.uniqueTopic()
                let missing = try await ask(place, ["GODWIT_CONSUMERS_IDENTITY_TOPIC": absent])
                #expect(missing.errors == ["topic"] && missing.exitCode == 4, "\(missing.findings)")
                let created = try await ask(
                    place, ["GODWIT_CONSUMERS_IDENTITY_TOPIC": absent, "GODWIT_KAFKA_TOPICS_CREATE": "true"])
                #expect(created.findings["topic"]?.severity == "note", "\(created.findings)")
                let again = try await ask(place, ["GODWIT_CONSUMERS_IDENTITY_TOPIC": absent])
                #expect(again.errors == ["topic"])
            }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a setting that brokers refuse, and stored names that make one topic, are named`() async throws {
        try await RelayFixture.with { place in
            let connection = try await place.test.connect()
            for type in ["Order item/π", "Order_item__"] {
                try await place.insert(["aggregate_type": "'\(type)'"], on: connection)
            }
            await connection.close()
            let answer = try await ask(
                place,
                [
                    "GODWIT_CONSUMERS_B_TOPIC": place.kafka.uniqueTopic(), "GODWIT_KAFKA_TOPICS_CREATE": "true",
                    "GODWIT_CONSUMERS_B_TOPIC_SETTINGS_RETENTION_MSS": "7",
                    "GODWIT_CONSUMERS_C_TOPIC": "c.{aggregate_type}",
                ])
            #expect(answer.errors == ["topic_settings"], "\(answer.findings)")
            #expect(answer.findings["topic_settings"]?.message.contains("retention.mss") == true)
            #expect(answer.findings["topic_collision"]?.severity == "warning")
            #expect(
                answer.findings["topic_collision"]?.message.contains("consumer c: `Order item/π` and `Order_item__`")
                    == true)
            // And at the start of a relay, whether such events come or not.
            let relay = try place.run(["GODWIT_CONSUMERS_C_TOPIC": "c.{aggregate_type}"])
            #expect(await relay.waitForError("consumer c: `Order item/π` and `Order_item__`"))
            relay.send(SIGTERM)
            _ = await relay.result()
        }
    }

    @Test func `a broker that is not where it says is named`() async throws {
        let dead = try LoopbackPort.free()
        var configuration = BrokerConfiguration()
        configuration.advertisedPort = Int(dead)
        let broker = try await KafkaTestBroker.start(configuration)
        let port = try #require(broker.ports.first)
        try await TestStore.with { test in
            let result = try await Command.godwit(
                "doctor", "--json",
                environment: [
                    "GODWIT_DATABASE_URL": test.url, "GODWIT_DATABASE_SCHEMA": test.tables.godwitSchema,
                    "GODWIT_DATABASE_GODWIT_SCHEMA": test.tables.godwitSchema,
                    "GODWIT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:\(port)", "GODWIT_CONSUMERS_A_TOPIC": "a",
                ]
            ).run()
            let finding = try #require(try Answer(result).findings["listener"])
            #expect(finding.message.contains("127.0.0.1:\(dead)"), "\(finding)")
        }
        await broker.stop()
    }
}
