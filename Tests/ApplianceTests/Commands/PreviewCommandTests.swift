import EventSourcing
import FoundationEssentials
import Glibc
import Kafka
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// `godwit preview` on real servers.
@Suite struct PreviewCommandTests {
    private func events(_ result: Command.Result) throws -> [JSONValue] {
        #expect(result.exitCode == 0, "\(result.standardError)")
        return try result.standardOutput.split(separator: "\n").map { try JSONParser.parse($0) }
    }

    private func text(_ value: JSONValue?) -> String? { if case .string(let text)? = value { text } else { nil } }

    @Test(.timeLimit(.minutes(2)))
    func `each record is the one that a relay publishes, with its partition`() async throws {
        try await RelayFixture.with { place in
            let connection = try await place.test.connect()
            try await place.insert(
                ["aggregate_id": "'a'", "payload": "'{\"n\": 1e400}'", "correlation_id": "'c'"], on: connection)
            try await place.insert(["aggregate_id": "'bü'", "payload": "'\\xff00'::bytea"], on: connection)
            try await place.insert(["bounded_context": "'Shop'"], on: connection)
            try await place.insert(["aggregate_id": "'d'", "payload": "''::bytea"], on: connection)
            await connection.close()
            let before = try await place.command("preview", "--consumer", "identity", "--json")
            let previews = try events(before)
            #expect(before.standardError.contains("1 other event was looked at"))
            #expect(before.standardError.contains("its bounded context is `Shop`"))
            let relay = try place.run()
            let ids = Set(previews.compactMap { text($0["event_id"]) })
            let records = try await place.receive(ids)
            relay.send(SIGTERM)
            _ = await relay.result()
            #expect(previews.count == 3 && records.count == 3)
            for preview in previews {
                let record = try #require(records.first { $0.header("event_id") == text(preview["event_id"]) })
                let made = try #require(preview["record"])
                #expect(preview["published"] == true && text(made["topic"]) == record.topic)
                #expect(made["partition"] == .number(record.partition))
                #expect(text(made["key"]) == record.key.map { String(decoding: $0, as: UTF8.self) })
                let value =
                    text(made["value"]).map { Array($0.utf8) }
                    ?? text(made["value_base64"]).flatMap { Data(base64Encoded: $0) }.map { Array($0) }
                #expect(value == record.value ?? [])
                guard case .array(let headers)? = made["headers"] else { continue }
                for header in headers { #expect(record.header(text(header["name"]) ?? "") == text(header["value"])) }
                #expect(headers.count == record.headers.count)
            }
            let after = try events(try await place.command("preview", "--consumer", "identity", "--json"))
            #expect(after == previews)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `without brokers, and with other consumers that are wrong, everything but the partition is shown`()
        async throws
    {
        try await RelayFixture.with { place in
            _ = try await place.append(3)
            let result = try await place.command(
                "preview", "--consumer", "identity", "--last", "2",
                more: [
                    "GODWIT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "GODWIT_CONSUMERS_OTHER_TOPIC": "{nope}",
                    "GODWIT_KAFKA_PROPERTIES_SASL_PASSWORD": "hush",
                ])
            #expect(result.exitCode == 0, "\(result.standardError)")
            #expect(result.standardOutput.contains("note: partition not known: no broker can be asked"))
            #expect(result.standardOutput.contains("→ topic \(place.topic), partition not known, "))
            #expect(result.standardOutput.contains("position 3") && !result.standardOutput.contains("position 1 "))
            #expect(result.standardError.contains("consumers.other.topic"))
            #expect(!(result.standardOutput + result.standardError).contains("hush"))
            let wrong = try await place.command(
                "preview", "--consumer", "identity", more: ["GODWIT_KAFKA_BOOTSTRAP_SERVERS": "k:0"])
            #expect(wrong.exitCode == 0 && wrong.standardOutput.contains("the section kafka of"))
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a position and an aggregate are found wherever they are, and what is not there is reported`() async throws {
        try await RelayFixture.with { place in
            _ = try await place.append(40)
            _ = try await place.append(30, from: 5)
            func ask(_ more: String...) async throws -> Command.Result {
                var command = Command.godwit("preview", "--consumer", "identity", environment: place.variables)
                command.arguments += more
                return try await command.run()
            }
            let one = try events(try await ask("--position", "3", "--json"))
            #expect(one.map { $0["position"] } == [3])
            let both = try events(try await ask("--aggregate", "user-7", "--json"))
            #expect(both.map { $0["position"] } == [8, 43])
            let bounded = try await ask("--aggregate", "user-7", "--last", "1")
            #expect(
                bounded.standardOutput.contains("position 43") && bounded.standardOutput.contains("has earlier events"))
            let absent = try await ask("--position", "99")
            #expect(absent.exitCode == 5 && absent.standardError.contains("no event at position 99"))
            #expect(try await ask("--aggregate", "nobody").exitCode == 5)
            #expect(try await ask("--position", "1", "--last", "3").exitCode == 64)
            let unknown = try await place.command("preview", "--consumer", "identiti")
            #expect(unknown.exitCode == 64 && unknown.standardError.contains("it has identity"))
            let away = try await place.command(
                "preview", "--consumer", "identity", more: ["GODWIT_DATABASE_URL": "postgres://x@127.0.0.1:1/x"])
            #expect(away.exitCode == 10)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `where scopes take few events, the log is looked through for them, and the others are counted`() async throws {
        try await RelayFixture.with { place in
            let connection = try await place.test.connect()
            try await connection.execute(
                script: """
                    INSERT INTO \(place.test.tables.events.sql) (bounded_context, aggregate_type, aggregate_id,
                        aggregate_version, event_id, event_type, payload)
                    SELECT CASE WHEN g % 500 = 1 THEN 'Identity' ELSE 'Shop' || g % 2 END, 'User', 'a', g,
                        gen_random_uuid(), 'Happened', '{}' FROM generate_series(1, 2000) AS g
                    """)
            await connection.close()
            let result = try await place.command("preview", "--consumer", "identity", "--last", "2", "--json")
            #expect(try events(result).map { $0["position"] } == [1001, 1501])
            #expect(result.standardError.contains("998 other events were looked at"), "\(result.standardError)")
            #expect(result.standardError.contains("its bounded context is `Shop1`"))
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what is parked is reported, and so is a start that has not come`() async throws {
        try await RelayFixture.with { place in
            let settings = ["GODWIT_CONSUMERS_IDENTITY_ON_POISON": "park", "GODWIT_KAFKA_MAX_RECORD_BYTES": "2000"]
            let connection = try await place.test.connect()
            let waiting = try await place.command(
                "preview", "--consumer", "identity", more: ["GODWIT_CONSUMERS_IDENTITY_START": "now"])
            #expect(waiting.exitCode == 0 && waiting.standardOutput.hasPrefix("the log has no event"))
            #expect(waiting.standardOutput.contains("start: now"))
            try await place.insert(["payload": "convert_to(repeat('x', 9000), 'UTF8')"], on: connection)
            let before = try events(
                try await place.command("preview", "--consumer", "identity", "--json", more: settings))
            #expect(before[0]["reason"]?["code"] == "too_large")
            let relay = try place.run(settings)
            try await eventually("it is parked") {
                try await place.command("parked", "list", "--json", more: settings).standardOutput.contains("too_large")
            }
            relay.send(SIGTERM)
            _ = await relay.result()
            try await place.insert([:], on: connection)
            await connection.close()
            let after = try events(
                try await place.command("preview", "--consumer", "identity", "--json", more: settings))
            #expect(after.map { $0["reason"]?["code"] } == ["parked", "parked"])
            #expect(text(after[1]["reason"]?["text"])?.contains("behind the parked event at position 1") == true)
            let later = try await place.command(
                "preview", "--consumer", "other",
                more: ["GODWIT_CONSUMERS_OTHER_TOPIC": place.topic, "GODWIT_CONSUMERS_OTHER_START": "1"])
            #expect(later.standardOutput.contains("the consumer begins behind position 1"))
        }
    }
}
