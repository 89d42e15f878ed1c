import TestSupport
import Testing

@testable import Appliance

/// Records as clients read them that nobody here wrote: confluent-kafka and kcat, the CloudEvents SDK, and OpenTelemetry's
/// propagators. Each test is a row of the table in Records.md, and each of its formats a column.
@Suite(.timeLimit(.minutes(5))) struct RecordClientsTests {
    typealias Format = ClientReadings.Format

    private static let sources = ClientReadings.sources

    private func records(_ format: Format, _ feature: ClientReadings.Feature) async throws -> [String: ClientRecord] {
        let records = try await ClientReadings.all.value.records(format, feature)
        if ![.types, .places, .letters].contains(feature) { #expect(records.count == Self.sources.count) }
        return records
    }

    // MARK: As it is

    @Test(arguments: Format.allCases)
    func `an event comes with its type, its id and its payload`(_ format: Format) async throws {
        let records = try await records(format, .plain)
        for source in Self.sources {
            let record = try #require(records[source.id])
            #expect(record.key == source.id)
            #expect(try record.data == JSONValue(parsing: source.payload))
            #expect(record.member(format == .payload ? "event_type" : "type") == source.type)
            #expect(record.member(format == .payload ? "event_id" : "id")?.count == 36)
            guard format.isCloudEvents else {
                #expect(record.value == source.payload && record.event == .null)
                continue
            }
            #expect(record.member("specversion") == "1.0" && record.member("source") == "/shop")
            #expect(record.member("subject") == source.id && record.member("partitionkey") == source.id)
            #expect(record.event?["mode"]?.string == (format == .binary ? "binary" : "structured"))
            #expect(format == .structured || record.value == source.payload)
            // The SDK reads it as a time, its first version as a text.
            let time = try #require(record.formerEvent?["attributes"]?["time"]?.string)
            #expect(record.event?["attributes"]?["time"]?.string == time.dropLast() + "+00:00" && time.last == "Z")
        }
    }

    @Test(arguments: [Format.payload, .binary])
    func `the fewest headers are enough to read an event`(_ format: Format) async throws {
        for (id, record) in try await records(format, .minimal) {
            let traces = record.headerNames.filter { $0.hasSuffix("traceparent") || $0.hasSuffix("tracestate") }
            let expected =
                format == .payload
                ? ["event_id", "event_type", "global_position"]
                : ["content-type", "ce_specversion", "ce_id", "ce_source", "ce_type"]
            #expect(record.headerNames.filter { !traces.contains($0) } == expected)
            #expect(try record.data != nil)
            if format == .binary { #expect(record.member("partitionkey") == id && record.member("id")?.count == 36) }
        }
    }

    // MARK: Key and partition

    @Test(arguments: Format.allCases)
    func `a key is what its template makes of the metadata and the aggregate`(_ format: Format) async throws {
        let records = try await records(format, .key)
        for source in Self.sources {
            let key = "\(source.tenant):\(source.id)"
            #expect(records[source.id]?.key == key)
            if format.isCloudEvents { #expect(records[source.id]?.member("partitionkey") == key) }
        }
    }

    @Test(arguments: Format.allCases)
    func `a record is in the partition that its event names`(_ format: Format) async throws {
        let records = try await records(format, .partition)
        for (id, partition) in ["order-1": 2, "order-2": 0, "order-3": 3, "örder-0": 1, "örder-19": 1] {
            #expect(records[id]?.partition == partition)
        }
    }

    @Test(arguments: Format.allCases)
    func `keys lead to the partitions of Java clients`(_ format: Format) async throws {
        let records = try await records(format, .plain)
        for record in records.values {
            #expect(record.partition == record.partitions?["murmur2"]?.integer)
            #expect(record.partition == record.partitions?["kafka-python"]?.integer)
        }
        #expect(Set(records.values.map(\.partition)).count == 4)
    }

    @Test(arguments: Format.allCases)
    func `by crc32 keys lead to the partitions of librdkafka's default`(_ format: Format) async throws {
        let records = try await records(format, .crc32)
        for record in records.values { #expect(record.partition == record.partitions?["consistent"]?.integer) }
        #expect(Set(records.values.map(\.partition)).count == 4)
    }

    // MARK: Headers

    @Test(arguments: Format.allCases)
    func `headers are renamed, left out, and taken from a text and from places`(_ format: Format) async throws {
        let records = try await records(format, .headers)
        for source in Self.sources {
            let record = try #require(records[source.id])
            #expect(record.member("type") == source.type && record.header("event_type") == nil)
            #expect(record.member("origin") == "shop" && record.member("country") == source.country)
            #expect(record.member("role") == ["order-1": "clerk", "order-2": "boss"][source.id])
            if format != .structured {
                #expect(record.header("event_version") == nil && record.header("ce_eventversion") == nil)
            }
        }
    }

    @Test(arguments: Format.allCases)
    func `all members of the metadata come, in CloudEvents as attributes with legal names`(
        _ format: Format
    ) async throws {
        let records = try await records(format, .members)
        for source in Self.sources {
            let record = try #require(records[source.id])
            #expect(record.member(format == .payload ? "Tenant_ID" : "tenantid") == source.tenant)
            #expect(record.member("shard")?.count == 1)
            #expect(record.header("ce_Tenant_ID") == nil && (record.header("Tenant_ID") == nil) == format.isCloudEvents)
        }
        #expect(records["order-1"]?.member("shard") == "2")
        #expect(records["order-2"]?.member("user") == #"{"role": "boss"}"#)
        // What is called like one of the standard's attributes takes nothing's place.
        let odd = try #require(records["order-4"])
        guard format.isCloudEvents else {
            #expect(odd.header("ID") == "no" && odd.header("日") == "no" && odd.header("content-type") == nil)
            return
        }
        #expect(odd.member("id")?.count == 36 && odd.member("subject") == "order-4")
        #expect(odd.event?["attributes"]?["datacontenttype"] == "application/json")
        // Nor does what is called like a header of Godwit's own.
        #expect(odd.member("contenttype") == nil)
    }

    @Test(arguments: Format.allCases)
    func `a chosen few members of the metadata come, by names and by places`(_ format: Format) async throws {
        let records = try await records(format, .chosen)
        for source in Self.sources {
            let record = try #require(records[source.id])
            #expect(record.member(format == .payload ? "Tenant_ID" : "tenantid") == source.tenant)
            #expect(record.member("role") == ["order-1": "clerk", "order-2": "boss"][source.id])
            #expect(record.member("shard") == nil && record.member("user") == nil)
        }
    }

    // MARK: Traces

    private static let trace: JSONValue = [
        "trace_id": .string(ClientReadings.trace), "span_id": "00f067aa0ba902b7", "sampled": true,
        "state": ["vendor": "1", "other": "2"], "baggage": [:],
    ]

    private static let traceWithBaggage: JSONValue = [
        "trace_id": .string(ClientReadings.trace), "span_id": "00f067aa0ba902b7", "sampled": true,
        "state": ["vendor": "1", "other": "2"], "baggage": ["user": "ann", "plan": "gold one"],
    ]

    /// A propagator goes on with the trace of the metadata, with one made of the column, and with none.
    private func expectTraces(_ records: [String: ClientRecord], first: JSONValue) throws {
        #expect(records["order-1"]?.trace == first)
        let made = try #require(records["order-2"]?.trace)
        #expect(made["trace_id"]?.string == ClientReadings.madeTrace && made["sampled"] == false)
        #expect(made["span_id"]?.string?.count == 16 && made["state"] == [:] && made["baggage"] == [:])
        #expect(records["order-3"]?.trace?["trace_id"] == .null && records["örder-1"]?.trace?["trace_id"] == .null)
        for record in records.values where record.format.isCloudEvents {
            // The extension for distributed tracing knows no baggage.
            for member in ["trace_id", "span_id", "sampled", "state"] {
                #expect(record.event?["trace"]?[member] == record.trace?[member])
            }
        }
    }

    @Test(arguments: Format.allCases)
    func `a propagator goes on with the event's trace, and with baggage where it is asked for`(
        _ format: Format
    ) async throws {
        try expectTraces(try await records(format, .plain), first: Self.trace)
        try expectTraces(try await records(format, .traces), first: Self.traceWithBaggage)
    }

    @Test(arguments: Format.allCases)
    func `the trace goes on in republished records and in dead letters`(_ format: Format) async throws {
        let again = try await records(format, .again)
        try expectTraces(again, first: Self.traceWithBaggage)
        #expect(again.values.allSatisfy { $0.headerNames.contains("godwit_republish_job") })
        let letters = try await records(format, .letters)
        let letter = try #require(letters["letter-1"])
        #expect(letters.count == 1 && letter.value == nil && letter.trace == Self.trace)
        #expect(letter.header("dead_letter_reason") == "record" && !letter.reading.text.contains("s3cr3t"))
        if format.isCloudEvents { #expect(letter.member("type") == "Written" && letter.event?["data"] == .null) }
    }

    // MARK: The value

    @Test(arguments: Format.allCases)
    func `a value is what its steps leave, with hashes that Python makes too`(_ format: Format) async throws {
        let records = try await records(format, .value)
        let readings = try await ClientReadings.all.value
        for (id, text) in ["order-1": "what do ya want for nothing?", "order-2": "7"] {
            #expect(
                try records[id]?.data == [
                    "customer": ["client": "Ann"], "phone": "***", "email": .string(try readings.hash(text)),
                ])
        }
        for record in records.values {
            #expect(!record.reading.text.contains("s3cr3t") && !record.reading.text.contains("01 23 45"))
        }
    }

    @Test(arguments: Format.allCases)
    func `a tombstone is a record without a value, and says what it is of`(_ format: Format) async throws {
        let records = try await records(format, .tombstones)
        for (id, record) in records where id != "order-3" { #expect(try record.data != nil && record.value != nil) }
        let tombstone = try #require(records["order-3"])
        #expect(tombstone.key == "order-3" && tombstone.reading["kcat"]?["value"] == .null)
        #expect(tombstone.member(format == .payload ? "event_type" : "type") == "Erased")
        guard format.isCloudEvents else { return }
        #expect(tombstone.event?["mode"] == "binary" && tombstone.event?["data"] == .null)
        #expect(records["order-1"]?.event?["mode"]?.string == (format == .binary ? "binary" : "structured"))
    }

    // MARK: What is taken

    @Test(arguments: Format.allCases)
    func `only events of the chosen types, or with the chosen values, are there`(_ format: Format) async throws {
        #expect(Set(try await records(format, .types).keys) == ["order-1", "order-2"])
        #expect(Set(try await records(format, .places).keys) == ["order-1", "order-3"])
    }
}
