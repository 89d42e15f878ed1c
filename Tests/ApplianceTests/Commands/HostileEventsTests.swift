import EventSourcing
import FoundationEssentials
import Glibc
import Kafka
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// Events whose every field tries to be something else than data.
@Suite struct HostileEventsTests {
    private static let texts = [
        "'; DROP TABLE events; --", "\"; DROP SCHEMA godwit CASCADE; --", "$$; SELECT pg_sleep(9); $$", "%s%n%x",
        "../../etc/passwd", "..", ".", "a/../b", "topic\r\nX-Injected: 1", "\u{1b}[2J\u{1b}]0;owned\u{7}",
        "\u{9b}31m", "\",\"level\":\"error\",\"x\":\"", "{\"a\":1}\n{\"time\":\"forged\"}", "\u{202e}txt.exe",
        "\u{2028}line", "emoji 🐦 and 漢字", "{bounded_context}", "${jndi:ldap://x}", "<script>alert(1)</script>",
        "a,b;c=d", "*", String(repeating: "x", count: 300), String(repeating: "漢", count: 200),
    ]

    @Test(.timeLimit(.minutes(3)))
    func `hostile data arrives as data, and injects nothing on its way`() async throws {
        try await RelayFixture.with { place in
            let connection = try await place.test.connect()
            var ids: [String: String] = [:]
            for (number, text) in Self.texts.enumerated() {
                let metadata = JSONValue.object([.init("tenant", .string(text)), .init(text, .string("x"))]).text
                let event = Event(
                    boundedContext: "Identity", aggregateType: text, aggregateID: "\(number) \(text)",
                    eventType: text, payload: Array(text.utf8), traceID: text, correlationID: text, causationID: text,
                    metadata: metadata)
                ids[event.eventID.uuidString.lowercased()] = text
                _ = try await connection.withTransaction {
                    try await place.test.store.append([event], expecting: .any, in: $0)
                }
            }
            let relay = try place.run([
                "GODWIT_LOG_LEVEL": "trace", "GODWIT_CONSUMERS_IDENTITY_METADATA_HEADERS": "tenant",
                "GODWIT_NOTIFY_MODE": "adaptive", "GODWIT_NOTIFY_CHANNEL": place.test.tables.godwitSchema,
            ])
            let records = try await place.receive(Set(ids.keys))
            for record in records {
                let text = try #require(record.header("event_id").flatMap { ids[$0] })
                #expect(record.value == Array(text.utf8))
                for name in ["aggregate_type", "event_type", "trace_id", "correlation_id", "causation_id", "tenant"] {
                    #expect(record.header(name) == text)
                }
                #expect(record.headers.count == 13)
            }
            relay.send(SIGTERM)
            let result = await relay.result()
            #expect(result.exitCode == 0)
            Self.expectHarmless(result.standardError)
            let rows = try await connection.query(
                BoundStatement(Statement("SELECT count(*) FROM \(place.test.tables.events.sql)")))
            #expect(try rows.first?.decode(0, as: Int.self) == Self.texts.count)
            await connection.close()
        }
    }

    /// A topic made of what an event brings is a legal one or none; what the log says of it is one line without controls.
    @Test(.timeLimit(.minutes(3)), arguments: ["text", "json"])
    func `a hostile name makes a legal topic or halts, and forges no log line`(_ format: String) async throws {
        for text in ["..", String(repeating: "x", count: 300), "\u{1b}[2J\n{\"level\":\"forged\"}/../漢\u{202e}"] {
            try await RelayFixture.with { place in
                let connection = try await place.test.connect()
                let event = Event(
                    boundedContext: "Identity", aggregateType: text, aggregateID: text, eventType: text, payload: [])
                _ = try await connection.withTransaction {
                    try await place.test.store.append([event], expecting: .any, in: $0)
                }
                await connection.close()
                let relay = try place.run([
                    "GODWIT_CONSUMERS_IDENTITY_TOPIC": "{aggregate_type}", "GODWIT_LOG_FORMAT": format,
                    "GODWIT_LOG_LEVEL": "debug", "GODWIT_CONSUMERS_IDENTITY_TOPICS_ALLOWED": "nothing-like-it",
                ])
                #expect(await relay.waitForError("halt"))
                relay.send(SIGTERM)
                let result = await relay.result()
                Self.expectHarmless(result.standardError)
                if format == "json" {
                    for line in result.standardError.split(separator: "\n") where line.hasPrefix("{") {
                        let level = try JSONParser.parse(String(line))["level"]
                        #expect(level != nil && level != .string("forged"))
                    }
                }
            }
        }
    }

    @Test(arguments: texts)
    func `a consumer cannot be called what is no name`(_ text: String) async throws {
        guard !text.isEmpty, !text.utf8.contains(0), text != "..", text != "." else { return }
        let configuration: JSONValue = [
            "database": ["url": "host=h"], "kafka": ["bootstrap_servers": "k"],
            "consumers": .object([.init(text, ["topic": "t"])]),
        ]
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration.read(
                configuration.text, name: "godwit.yaml", environment: [:], needs: [.consumers]
            ) { _ in "" }
        }
        #expect(error?.description.isEmpty == false)
    }

    @Test func `what a configuration holds does not act on a terminal`() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/" + TestDatabase.uniqueName("godwit") + ".yaml"
        let text = """
            "\\e[2J\\x9b31m\\u202e\\nforged: line": 1
            log: { level: "\\e]0;owned\\a" }
            consumers: { "\\e[2J": { topic: t } }
            """
        try Data(text.utf8).write(to: URL(filePath: path))
        let result = try await Command.godwit("config", "check", "--config", path).run()
        try FileManager.default.removeItem(atPath: path)
        #expect(result.exitCode == 78)
        #expect(result.standardError.contains("u001b[2J"), "\(result.standardError.debugDescription)")
        Self.expectHarmless(result.standardError)
    }

    /// Every line is printable: no control character, nothing that turns the direction of writing.
    private static func expectHarmless(_ output: String) {
        for line in output.split(separator: "\n", omittingEmptySubsequences: false) {
            let acting = line.unicodeScalars.first { scalar in
                scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) || scalar == "\u{202e}"
                    || scalar == "\u{2028}"
            }
            #expect(acting == nil, "\(line.prefix(200).debugDescription)")
        }
    }
}
