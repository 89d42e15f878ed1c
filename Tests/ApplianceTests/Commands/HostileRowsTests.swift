import EventSourcing
import FoundationEssentials
import Glibc
import Kafka
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// Rows whose columns hold what few writers think of: each is delivered or undeliverable, and no command ends by it.
@Suite struct HostileRowsTests {
    /// A time, what the header says, and the record's time; 0 for that of its sending.
    private static let times = [
        ("infinity", "9999-12-31T23:59:59.999999Z", Int64(0)),
        ("-infinity", "0001-01-01T00:00:00.000000Z", 1),
        ("294276-12-31 23:59:59.999999+00", "9999-12-31T23:59:59.999999Z", 0),
        ("4713-01-01 00:00:00+00 BC", "0001-01-01T00:00:00.000000Z", 1),
        ("0044-03-15 12:00:00+00 BC", "0001-01-01T00:00:00.000000Z", 1),
        ("0001-01-01 00:00:00+00", "0001-01-01T00:00:00.000000Z", 1),
        ("1969-12-31 23:59:59.999999+00", "1969-12-31T23:59:59.999999Z", 1),
    ]

    @Test(.timeLimit(.minutes(3)))
    func `an event of any time is delivered with the nearest time that a record can say`() async throws {
        try await RelayFixture.with { place in
            let connection = try await place.test.connect()
            for (time, _, _) in Self.times {
                try await place.insert(["created_at": "'\(time)'"], on: connection)
            }
            let relay = try place.run()
            let records = try await place.kafka.read([place.topic], within: .seconds(20)) {
                $0.count >= Self.times.count
            }
            #expect(records.map { $0.header("created_at") } == Self.times.map(\.1))
            let times = records.map { $0.timestamp ?? -1 }.map { $0 > 1_700_000_000_000 ? 0 : $0 }
            #expect(times == Self.times.map(\.2))
            let status = try await place.command("status")
            #expect(status.exitCode == 0, "\(status.standardError)")
            relay.send(SIGTERM)
            let result = await relay.result()
            #expect(result.exitCode == 0)
            #expect(result.standardError.contains("the nearest time"))
            // What waits is counted from rows with such times too.
            for (time, _, _) in Self.times { try await place.insert(["created_at": "'\(time)'"], on: connection) }
            let waiting = try await place.command("status")
            #expect(
                waiting.standardOutput.contains("identity") && waiting.standardError.isEmpty, "\(waiting.standardError)"
            )
            let verified = try await place.command("verify", "--consumer", "identity")
            #expect(verified.exitCode == 4, "\(verified.standardOutput)\(verified.standardError)")
            #expect(verified.standardOutput.contains("no process serves"))
            await connection.close()
        }
    }

    @Test(
        .timeLimit(.minutes(3)),
        arguments: [
            "event_type", "aggregate_id", "aggregate_type", "bounded_context", "trace_id", "correlation_id",
            "causation_id", "metadata",
        ])
    func `a byte that is not UTF-8 makes one event undeliverable`(_ column: String) async throws {
        try await RelayFixture.with(encoding: "SQL_ASCII") { place in
            let connection = try await place.test.connect()
            let more = [
                "GODWIT_CONSUMERS_IDENTITY_ON_POISON": "park", "GODWIT_CONSUMERS_IDENTITY_METADATA_HEADERS": "tenant",
                "GODWIT_CONSUMERS_IDENTITY_BOUNDED_CONTEXTS": "",
            ]
            try await place.insert(["aggregate_id": "'before'"], on: connection)
            let bad =
                column == "metadata"
                ? "(convert_from('\\x7b2274656e616e74223a22ff227d', 'SQL_ASCII'))::jsonb"
                : "convert_from('\\x61ff62', 'SQL_ASCII')"
            let position = try await place.insert([column: bad], on: connection)
            try await place.insert(["aggregate_id": "'behind'"], on: connection)
            let relay = try place.run(more)
            let records = try await place.kafka.read([place.topic], within: .seconds(20)) { $0.count >= 2 }
            #expect(records.compactMap { $0.header("aggregate_id") }.sorted() == ["before", "behind"])
            try await eventually("it is not parked") {
                try await place.command("parked", "list", more: more).standardOutput.contains("not UTF-8")
            }
            let parked = try await place.command("parked", "list", "--json", more: more)
            let letter = try JSONParser.parse(parked.standardOutput)["events"]
            guard case .array(let letters) = letter else {
                Issue.record("\(parked.standardOutput)")
                return
            }
            #expect(letters.count == 1 && letters[0]["position"] == .number(position))
            #expect(letters[0]["reason"] == .string("malformed"))
            // What is parked is shown as what it is: nothing else is wrong.
            let status = try await place.command("status", more: more)
            #expect(status.exitCode == 4 && status.standardError.isEmpty, "\(status.standardOutput)")
            for arguments in ["verify --consumer identity", "parked show --consumer identity --position \(position)"] {
                var command = Command.godwit(environment: place.variables.merging(more) { $1 })
                command.arguments = arguments.split(separator: " ").map(String.init)
                let result = try await command.run()
                #expect(result.exitCode == 0, "\(arguments): \(result.standardOutput)\(result.standardError)")
            }
            let line =
                #"{"bounded_context":"Identity","aggregate_type":"User","aggregate_id":"é","event_type":"E","payload":{}}"#
            let appended = try await place.command("append", more: more, input: line + "\n")
            #expect(appended.exitCode == 0, "\(appended.standardError)")
            let all = try await place.kafka.read([place.topic], within: .seconds(20)) { $0.count >= 3 }
            #expect(all.contains { $0.header("aggregate_id") == "é" })
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
            await connection.close()
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `what the broker takes is sent, however near to its limit`() async throws {
        try await RelayFixture.with { place in
            let connection = try await place.test.connect()
            // 800,008 bytes of JSON, and 900 KB of metadata of which one small member becomes an attribute.
            try await place.insert(
                ["payload": "convert_to('{\"a\":\"' || repeat('x', 800000) || '\"}', 'UTF8')"], on: connection)
            try await place.insert(
                ["metadata": "jsonb_build_object('tenant', 'acme', 'rest', repeat('x', 1200000))"], on: connection)
            let relay = try place.run([
                "GODWIT_CONSUMERS_IDENTITY_FORMAT": "cloudevents_structured",
                "GODWIT_CONSUMERS_IDENTITY_METADATA_HEADERS": "tenant",
                "GODWIT_CONSUMERS_IDENTITY_CLOUDEVENTS_SOURCE": "/test",
            ])
            let records = try await place.kafka.read([place.topic], within: .seconds(20)) { $0.count >= 2 }
            #expect(records.contains { String(decoding: $0.value ?? [], as: UTF8.self).contains(#""tenant":"acme""#) })
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
            await connection.close()
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `a payload of 200 MB that no topic takes is parked without being read`() async throws {
        try await RelayFixture.with { place in
            let connection = try await place.test.connect()
            try await place.insert(["aggregate_id": "'before'"], on: connection)
            try await place.insert(["payload": "convert_to(repeat('x', 200000000), 'UTF8')"], on: connection)
            try await place.insert(["aggregate_id": "'behind'"], on: connection)
            let more = ["GODWIT_CONSUMERS_IDENTITY_ON_POISON": "park"]
            let relay = try place.run(more)
            _ = try await place.kafka.read([place.topic], within: .seconds(60)) { $0.count >= 2 }
            try await eventually("it is not parked", within: .seconds(60)) {
                try await place.command("parked", "list", more: more).standardOutput.contains("200000")
            }
            let most = try memory(of: relay, "VmHWM")
            #expect(most < 128_000, "\(most) kB at most")
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
            await connection.close()
        }
    }

    /// Each column without a bound of its own, in text that does not compress.
    @Test(.timeLimit(.minutes(5)), arguments: ["metadata", "trace_id", "payload"])
    func `150 MB in events of 100 KB take less than 128 MB, whatever the column`(_ column: String) async throws {
        try await RelayFixture.with { place in
            let connection = try await place.test.connect()
            let noise = "(SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 3200))"
            let value =
                switch column {
                case "metadata": "jsonb_build_object('rest', \(noise))"
                case "payload": "convert_to(\(noise), 'UTF8')"
                default: noise
                }
            // In parts, none of which takes long.
            for part in 0..<10 {
                try await connection.execute(
                    script: """
                        INSERT INTO \(place.test.tables.events.sql) (bounded_context, aggregate_type, aggregate_id,
                            aggregate_version, event_id, event_type, \(column == "payload" ? "" : "payload, ")\(column))
                        SELECT 'Identity', 'Large', 'large-' || i % 100, i / 100 + 1, gen_random_uuid(), 'Happened',
                            \(column == "payload" ? "" : "'{}', ")\(value)
                        FROM generate_series(\(part * 150), \(part * 150 + 149)) AS i ORDER BY i
                        """)
            }
            let relay = try place.run(["GODWIT_WORKER_BATCH_SIZE": "500"])
            try await eventually("it does not catch up", within: .seconds(180)) {
                let rows = try await connection.query(
                    Statement("SELECT min(checkpoint) FROM \(place.test.tables.consumerSegments.sql)"))
                return try rows.first?.decodeIfPresent(0, as: Int64.self) == 1_500
            }
            let most = try memory(of: relay, "VmHWM")
            #expect(most < 128_000, "\(most) kB at most")
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
            await connection.close()
        }
    }

    /// In kB, as the system counts.
    private func memory(of process: RunningCommand, _ field: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process.processID)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(field + ":") })
        return try #require(line.split(separator: " ").compactMap { Int($0) }.first)
    }
}
