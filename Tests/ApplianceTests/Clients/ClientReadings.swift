import Foundation
import Glibc
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// Records of every feature in every format, as clients read them that nobody here wrote.
///
/// One relay delivers the same events to a topic for each of them, and one Python process reads all topics: what is
/// looked at takes a few seconds, however many look.
struct ClientReadings {
    enum Format: String, CaseIterable, CustomTestStringConvertible {
        case payload
        case binary = "cloudevents_binary"
        case structured = "cloudevents_structured"

        var isCloudEvents: Bool { self != .payload }
        var testDescription: String { rawValue }
    }

    enum Feature: String, CaseIterable {
        case plain, key, partition, crc32, headers, members, chosen, minimal, traces, value, tombstones, types, places
        case letters
        /// What a job publishes again of ``traces``.
        case again

        fileprivate func isRelayed(in format: Format) -> Bool {
            self != .again && (self != .minimal || format != .structured)
        }

        /// What the consumer says, besides its topic and format.
        fileprivate func settings(_ format: Format, topic: String, key: String) -> String {
            switch self {
            case .plain, .again: ""
            case .key: #"key: "{metadata./Tenant_ID}:{aggregate_id}""#
            case .partition: #"partition: "{metadata./shard}""#
            case .crc32: "partitioner: crc32"
            case .headers:
                """
                headers: { \(format == .payload ? "event_type: type, " : "")\
                \(format == .structured ? "" : "event_version: false, ")\
                origin: { value: shop }, country: { payload: /country }, role: { metadata: /user/role } }
                """
            case .members: "metadata_headers: all"
            case .chosen: "metadata_headers: [Tenant_ID, /user/role]"
            case .minimal: "headers: minimal"
            case .traces: "trace_headers: [traceparent, tracestate, baggage]"
            case .value:
                """
                value: { keep: [/customer, /phone, /email], drop: [/customer/notes], \
                rename: { /customer/name: client }, mask: [/phone], hash: [/email], hash_key_file: \(key) }
                """
            case .tombstones: "tombstone_on: [Erased]"
            case .types: #"event_types: ["Pla*", Paid]"#
            case .places: "where: { /country: [DE] }"
            case .letters:
                "value: { drop: [/secret] }, on_poison: dead_letter_topic, dead_letter_topic: \(topic).dead"
            }
        }
    }

    /// An event that all consumers get but those of dead letters.
    struct Source {
        let id: String
        var type = "Drafted"
        var country = "CH"
        var email = #""a@b""#
        var metadata = #""Tenant_ID": "acme", "shard": 1"#
        var traceID: String?

        /// With spaces and a member of everything that a projection does something to.
        var payload: String {
            """
            {"country": "\(country)", "customer": {"name": "Ann", "notes": "s3cr3t"}, "phone": "01 23 45", \
            "email": \(email), "secret": "s3cr3t"}
            """
        }

        var tenant: String { metadata.contains("globex") ? "globex" : "acme" }
    }

    static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    static let madeTrace = "0af7651916cd43dd8448eb211c80319c"
    private static let traceMembers =
        #""traceparent": "00-\#(trace)-00f067aa0ba902b7-01", "tracestate": "vendor=1,other=2", "#
        + #""baggage": "user=ann,plan=gold%20one""#

    /// Enough of them that a wrong partitioner does not pass by chance.
    static let sources: [Source] =
        [
            Source(
                id: "order-1", type: "Placed", country: "DE", email: #""what do ya want for nothing?""#,
                metadata: #""Tenant_ID": "acme", "shard": "2", "user": {"role": "clerk"}, \#(traceMembers)"#),
            Source(
                id: "order-2", type: "Paid", country: "FR", email: "7",
                metadata: #""Tenant_ID": "globex", "shard": 0, "user": {"role": "boss"}"#, traceID: madeTrace),
            Source(
                id: "order-3", type: "Erased", country: "DE", metadata: #""Tenant_ID": "acme", "shard": 3"#,
                traceID: "trace-3"),
            // Names that are no attribute's, or another attribute's.
            Source(
                id: "order-4",
                metadata: #""Tenant_ID": "acme", "shard": 1, "ID": "no", "sub ject": "no", "content-type": "no", "#
                    + #""日": "no""#),
        ] + (0..<20).map { Source(id: "örder-\($0)") }

    private let read: JSONValue
    private let stem: String

    /// The HMAC of a text that Python makes with the key of the projections.
    func hash(_ text: String) throws -> String { try #require(read["hashes"]?[text]?.string) }

    /// The records of a feature by the ids of their aggregates; all clients read the same of each.
    func records(_ format: Format, _ feature: Feature) throws -> [String: ClientRecord] {
        let topic = Self.topic(stem, format, feature)
        let found = try #require(read["topics"]?[topic]?.items, "\(topic)")
        var records: [String: ClientRecord] = [:]
        for reading in found {
            let record = ClientRecord(reading: reading, format: format)
            #expect(reading["kcat"] == reading["confluent"], "\(reading.text)")
            let id = try #require(record.key?.split(separator: ":").last)
            #expect(records.updateValue(record, forKey: String(id)) == nil, "\(id) came twice")
        }
        return records
    }

    private static func topic(_ stem: String, _ format: Format, _ feature: Feature) -> String {
        switch feature {
        case .again: "\(topic(stem, format, .traces)).again"
        case .letters: "\(stem).\(format.rawValue).letters.dead"
        default: "\(stem).\(format.rawValue).\(feature.rawValue)"
        }
    }

    // MARK: The one run

    // A bare task, because all cells that ask at once wait for one run, which must not end with any one of them.
    static let all = Task { try await make() }

    private static let relayed = Format.allCases.flatMap { format in
        Feature.allCases.filter { $0.isRelayed(in: format) }.map { (format: format, feature: $0) }
    }

    private static func make() async throws -> ClientReadings {
        var readings: ClientReadings?
        try await RelayFixture.with { place in
            let folder = try TestFolder()
            let file = try folder.write(
                "godwit.yaml", configuration(place.topic, key: try folder.write("key", "Jefe\n")))
            // The consumer that other tests have.
            let without = ["GODWIT_CONSUMERS_IDENTITY_TOPIC": "", "GODWIT_CONSUMERS_IDENTITY_BOUNDED_CONTEXTS": ""]
            let variables = ["GODWIT_CONFIG": file].merging(without) { $1 }
            try await store(place)
            let relay = try place.run(variables)
            try await eventually("the consumers have not delivered: \(relay.standardError.suffix(2_000))") {
                let status = try await place.godwit(["status", "--json"], variables).standardOutput
                let consumers = try JSONValue(parsing: status)["consumers"]?.items ?? []
                return consumers.count == relayed.count
                    && consumers.allSatisfy { $0["lag_events"] == 0 && ($0["checkpoint"]?.integer ?? 0) > 0 }
            }
            relay.send(SIGTERM)
            let ended = await relay.result()
            try #require(ended.exitCode == 0, "\(ended.standardError.suffix(2_000))")
            for format in Format.allCases {
                let (name, topic) = ("\(format.rawValue)_traces", self.topic(place.topic, format, .again))
                _ = try await place.report(
                    ["republish", "--job", topic, "--consumer", name, "--to-topic", topic], variables)
            }
            readings = ClientReadings(read: try await read(place), stem: place.topic)
        }
        return try #require(readings)
    }

    private static func configuration(_ stem: String, key: String) -> String {
        let consumers = relayed.map { format, feature in
            let topic = "\(stem).\(format.rawValue).\(feature.rawValue)"
            let settings = [
                "topic: \(topic)", "format: \(format.rawValue)",
                format.isCloudEvents ? "cloudevents_source: /shop" : "",
                "aggregate_types: [\(feature == .letters ? "Letter" : "Order")]",
                feature.settings(format, topic: topic, key: key),
            ]
            let list = settings.filter { !$0.isEmpty }.joined(separator: ", ")
            return "  \(format.rawValue)_\(feature.rawValue): { \(list) }\n"
        }
        return """
            kafka: { topics: { create: true, partitions: 4, replication_factor: 1 } }
            worker: { total_segments: 1 }
            consumers:

            """ + consumers.joined()
    }

    private static func store(_ place: RelayFixture) async throws {
        let connection = try await place.test.connect()
        for source in sources {
            try await place.insert(
                [
                    "aggregate_type": "'Order'", "aggregate_id": "'\(source.id)'", "event_type": "'\(source.type)'",
                    "payload": "convert_to('\(source.payload)', 'UTF8')", "metadata": "'{\(source.metadata)}'",
                    "trace_id": source.traceID.map { "'\($0)'" } ?? "NULL",
                ], on: connection)
        }
        try await place.insert(
            [
                "aggregate_type": "'Letter'", "aggregate_id": "'letter-1'", "event_type": "'Written'",
                "payload": "'not JSON: s3cr3t'::bytea", "metadata": "'{\(traceMembers)}'",
            ], on: connection)
        await connection.close()
    }

    private static func read(_ place: RelayFixture) async throws -> JSONValue {
        let script = try #require(Bundle.module.path(forResource: "records", ofType: "py"))
        let topics = Format.allCases.flatMap { format in
            Feature.allCases.filter { $0 == .again || $0.isRelayed(in: format) }.map { topic(place.topic, format, $0) }
        }
        let hashes = ["--hash-key", "Jefe", "--hash", "what do ya want for nothing?", "--hash", "7"]
        let result = try await Command(
            try await OutsideClients.python(), [script, place.kafka.bootstrapServers] + topics + hashes,
            environment: ["PYTHONDONTWRITEBYTECODE": "1"]
        ).run()
        try #require(result.exitCode == 0, "\(result.standardError.suffix(2_000))")
        return try JSONValue(parsing: result.standardOutput)
    }
}

/// A record as each client understands it.
struct ClientRecord {
    let reading: JSONValue
    let format: ClientReadings.Format

    var key: String? { reading["confluent"]?["key"]?.string }
    var value: String? { reading["confluent"]?["value"]?.string }
    var partition: Int? { reading["confluent"]?["partition"]?.integer }
    /// Where another producer would have brought the key.
    var partitions: JSONValue? { reading["partitions"] }
    /// What an OpenTelemetry propagator goes on with.
    var trace: JSONValue? { reading["opentelemetry"] }
    /// The event of the CloudEvents SDK, and that of its first version.
    var event: JSONValue? { reading["cloudevents"] }
    var formerEvent: JSONValue? { reading["cloudevents_v1"] }

    var headerNames: [String] { headers.compactMap { $0.items.first?.string } }
    private var headers: [JSONValue] { reading["confluent"]?["headers"]?.items ?? [] }

    func header(_ name: String) -> String? {
        headers.last { $0.items.first?.string == name }?.items.last?.string
    }

    /// What a reader of the format knows beside the value: a header, or an attribute as both versions of the SDK read it.
    func member(_ name: String, sourceLocation: SourceLocation = #_sourceLocation) -> String? {
        guard format.isCloudEvents else { return header(name) }
        let found = event?["attributes"]?[name]
        #expect(formerEvent?["attributes"]?[name] == found, "\(reading.text)", sourceLocation: sourceLocation)
        return found?.string
    }

    /// The value as a reader of the format gets it.
    var data: JSONValue? {
        get throws {
            if format.isCloudEvents {
                #expect(event?["error"] == nil && formerEvent?["data"] == event?["data"], "\(reading.text)")
                return event?["data"]
            }
            return try value.map { try JSONValue(parsing: $0) }
        }
    }
}
