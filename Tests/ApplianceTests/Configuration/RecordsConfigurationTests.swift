import EventSourcing
import Kafka
import KafkaBridge
import Testing

@testable import Appliance

/// Keys, headers, traces and values of a consumer: what is taken, and how the rest is reported.
@Suite struct RecordsConfigurationTests {
    private func consumer(_ more: String, _ environment: [String: String] = [:]) throws -> ConsumerSection {
        let loaded = try ConfigurationFileTests.read(
            "consumers: { a: { topic: t, \(more) } }", environment: environment, needs: [], files: ["/key": "secret\n"])
        return try #require(loaded.configuration.consumers.first)
    }

    private func problems(_ more: String) -> [String] {
        ConfigurationFileTests.problems(
            "consumers: { a: { topic: t, \(more) } }", files: ["/key": "secret\n", "/empty": "\n"], needs: [])
    }

    private func warnings(_ more: String) -> [ConfigurationProblem.Code] {
        ConfigurationLevelsTests.found("consumers: { a: { topic: t, \(more) } }").map(\.code)
    }

    private static let binary = ", format: cloudevents_binary, cloudevents_source: /shop"
    private static let structured = ", format: cloudevents_structured, cloudevents_source: /shop"

    // MARK: Keys

    @Test func `a key is a word or a template`() throws {
        #expect(try consumer("key: aggregate_id").key == .aggregateID)
        #expect(try consumer("key: \"{aggregate_id}\"").key == .aggregateID)
        #expect(try consumer("key: correlation_id").key == .correlationID)
        #expect(
            try consumer("key: \"{metadata./tenant}:{aggregate_id}\"").key
                == .template(try TextTemplate("{metadata./tenant}:{aggregate_id}")))
        let other = try consumer("partition: \"{metadata./shard}\", partitioner: crc32")
        #expect(other.route?.partition?.description == "{metadata./shard}" && other.route?.partitioner == .crc32)
        #expect(try consumer("key: \"{event_type}\"").route?.partitioner == .murmur2)
    }

    @Test(arguments: [
        ("key: agregate_id", "did you mean \"aggregate_id\"?"), ("key: \"{nope}\"", "is not a field of an event"),
        ("key: \"{metadata.tenant}\"", "a JSON pointer begins with `/`"),
        ("key: \"{payload.}\"", "is the whole document"),
        ("key: \"{event_id}\"", "which differs from event to event"),
        ("key: \"{aggregate_id}-{aggregate_version}\"", "{aggregate_version}, which differs"),
        ("partition: \"{global_position}\"", "would have the same partition"),
        ("partition: \"p{metadata./shard}\"", "makes no whole number of any event"),
        ("partition: \"2147483648\"", "no topic has so many partitions"),
        ("partitioner: random", "must be one of: murmur2, crc32"),
    ])
    func `what makes no key is refused with what to do`(_ more: String, _ expected: String) {
        let problems = problems(more)
        #expect(problems.count == 1 && problems.first?.contains(expected) == true, "\(problems)")
    }

    @Test func `what may spread an aggregate is a warning, and what mixes aggregates is free`() {
        for more in [
            "key: \"{event_type}\"", "key: \"{metadata./tenant}:{aggregate_id}\"", "key: \"{correlation_id}-\"",
            "partition: \"{payload./shard}\"", "key: correlation_id",
        ] {
            #expect(warnings(more) == [.keySpread], "\(more)")
        }
        for more in ["key: \"{bounded_context}\"", "key: \"{aggregate_type}/{aggregate_id}\"", "partition: \"0\""] {
            #expect(warnings(more).isEmpty, "\(more)")
        }
    }

    // MARK: Headers

    @Test func `a mapping renames, leaves out and adds headers`() throws {
        let route = try #require(
            try consumer(
                """
                headers: { event_type: type, event_version: false, source: { value: shop },
                  tenant: { metadata: /user/tenant }, country: { payload: /address/country } }, header_prefix: x-
                """
            ).route)
        #expect(route.headers.name(of: .eventType) == "x-type" && route.headers.name(of: .eventID) == "x-event_id")
        let version = try #require(StandardHeaders.columns.first { $0.name == "event_version" }?.header)
        #expect(route.standardHeaders == StandardHeaders.standard.subtracting(version))
        #expect(
            route.addedHeaders.headers == [
                .init("source", .value("shop")),
                .init("tenant", .place(EventPlace(.metadata, try JSONPointer("/user/tenant")))),
                .init("country", .place(EventPlace(.payload, try JSONPointer("/address/country")))),
            ])
        #expect(try consumer("headers: { base: none, event_id: id }").headers == .eventID)
        #expect(try consumer("headers: { base: [event_id, trace_id], trace_id: false }").headers == .eventID)
        #expect(try consumer("headers: { base: minimal }").headers == .minimal(in: .payload))
        #expect(try consumer("headers: { a: { value: b } }").headers == .standard)
        #expect(try consumer("headers: { a: { value: b } }" + Self.structured).headers == .standard)
    }

    @Test(arguments: [
        ("headers: { source: shop }", "one of your own is written source: { value: … }"),
        ("headers: { event_typ: type }", "did you mean \"event_type\"?"),
        ("headers: { event_type: { value: x } }", "it is a header of Godwit's own"),
        ("headers: { event_type: event_id }", "which is the name of a header of Godwit's own"),
        ("headers: { event_type: ce_type }", "which is the name of a header of Godwit's own"),
        ("headers: { godwit_x: { value: y } }", "which is the name of a header of Godwit's own"),
        ("headers: { x: { metadata: tenant } }", "a JSON pointer begins with `/`"),
        ("headers: { x: { row: /a } }", "takes its text from value, metadata or payload"),
        ("headers: { \"a\\nb\": { value: y } }", "without control characters"),
        ("headers: { x: { value: \"a\\tb\" } }", "a value with a control character"),
        ("headers: { type: { value: x }, Type: { value: y } }", "makes a second header Type, beside type of headers"),
        ("headers: { event_type: type, type: { value: y } }", "beside type of event_type renamed"),
        ("headers: { tenant: { value: y } }, metadata_headers: [Tenant]", "makes a second header Tenant"),
        ("headers: { base: [x] }", "which is no standard header"),
        ("metadata_headers: everything", "must be all, or a list"),
        ("metadata_headers: [/user/id, id]", "makes a second header id"),
        ("metadata_headers: [/a~2]", "a `~` in a JSON pointer is written"),
        ("headers: { event_type: type }" + binary, "the names of CloudEvents are the standard's"),
        ("headers: { event_type: false }" + binary, "leaves out event_type, which CloudEvents require"),
        ("headers: { event_version: false }" + structured, "has nothing to choose in cloudevents_structured"),
        ("headers: { source: { value: y } }" + binary, "an attribute that CloudEvents or Godwit have (source)"),
        ("metadata_headers: [Tenant_ID, tenantId]" + structured, "becomes the attribute tenantid, as Tenant_ID"),
        ("metadata_headers: [partition-key]" + binary, "(partitionkey)"),
        ("metadata_headers: [\"_\"]" + binary, "makes no attribute"),
        ("headers: { traceparent: { value: x } }", "which \"trace_headers\" sends already"),
        ("headers: { TraceState: { metadata: /x } }", "which \"trace_headers\" sends already"),
    ])
    func `what is no header is refused with what to do`(_ more: String, _ expected: String) {
        let problems = problems(more)
        #expect(problems.count == 1 && problems.first?.contains(expected) == true, "\(problems)")
    }

    @Test func `a mistake in a mapping is found at its line`() {
        let problems = ConfigurationFileTests.problems(
            """
            consumers:
              a:
                topic: t
                headers:
                  event_type: event_id
                  shop: { row: /a }
                  godwit_x: { value: y }
                value:
                  rename:
                    /a: b
                    a: c
            """, needs: [])
        #expect(problems.map { $0.prefix(14) } == [5, 6, 7, 11].map { "godwit.yaml:\($0):".prefix(14) }, "\(problems)")
    }

    @Test func `members are named, found by places, or all`() throws {
        let consumer = try consumer("metadata_headers: [tenant, /user/id]")
        #expect(consumer.metadataHeaders == ["tenant"] && consumer.addedHeaders.map(\.name) == ["id"])
        #expect(try self.consumer("metadata_headers: all").route?.metadataHeaders.takesAll == true)
    }

    @Test func `traceparent of the metadata is no reason to refuse`() throws {
        #expect(problems("metadata_headers: [traceparent]").isEmpty)
        #expect(warnings("metadata_headers: [traceparent]") == [.headerRepeated])
        #expect(try consumer("metadata_headers: [traceparent]").metadataHeaders.isEmpty)
        #expect(try consumer("metadata_headers: [traceparent], trace_headers: none").metadataHeaders == ["traceparent"])
        #expect(try consumer("metadata_headers: [traceparent], header_prefix: x-").metadataHeaders == ["traceparent"])
        #expect(problems("metadata_headers: [traceparent], trace_headers: none" + Self.binary).count == 1)
    }

    @Test func `a prefix names no attribute`() throws {
        #expect(warnings("header_prefix: x-" + Self.binary) == [.headerPrefixUnused])
        #expect(warnings("header_prefix: x-").isEmpty)
    }

    @Test func `traces go on unless they are not to`() throws {
        #expect(try consumer("batch_size: 1").traceHeaders == [.parent, .state])
        #expect(try consumer("trace_headers: none").traceHeaders == [])
        #expect(try consumer("trace_headers: [traceparent, baggage]").traceHeaders == [.parent, .baggage])
        #expect(problems("trace_headers: [tracestate]").first?.contains("means nothing without traceparent") == true)
        #expect(problems("trace_headers: [traceparnt]").first?.contains("did you mean \"traceparent\"?") == true)
        #expect(problems("trace_headers: all").count == 1 && problems("trace_headers: []").count == 1)
    }

    // MARK: Values

    @Test func `steps are read, with the key from a file`() throws {
        let projection = try #require(
            try consumer(
                """
                value: { keep: [/id, /customer], drop: [/customer/notes], rename: { /customer/name: client },
                  mask: [/customer/phone], hash: [/customer/email], hash_key_file: /key }
                """
            ).projection)
        #expect(projection.steps.keep.map(\.description) == ["/id", "/customer"])
        #expect(projection.steps.rename.map(\.name) == ["client"])
        #expect(!"\(projection)".contains("secret") && !String(reflecting: projection).contains("secret"))
        #expect(try consumer("batch_size: 1").projection == nil)
        let environment = ["GODWIT_CONSUMERS_A_VALUE_HASH": "/a", "GODWIT_CONSUMERS_A_VALUE_HASH_KEY_FILE": "/key"]
        #expect(try consumer("batch_size: 1", environment).projection?.steps.hash.map(\.description) == ["/a"])
    }

    @Test(arguments: [
        ("value: { hash: [/a] }", "needs a key"), ("value: { hash: [/a], hash_key_file: /none }", "cannot be read"),
        ("value: { hash: [/a], hash_key_file: /empty }", "is empty"),
        ("value: { mask: [/a], hash_key_file: /key }", "nothing is hashed"),
        ("value: { mask: [a] }", "which is no place"), ("value: { rename: { /a: [b] } }", "gives /a no name"),
        ("value: { rename: [/a] }", "must be a mapping"),
        ("value: { drop: [/a], mask: [/a/b] }", "of which \"drop\" leaves nothing"),
        ("value: { keep: [/a, /b], rename: { /a: b } }", "choose another name"),
        ("value: { keeep: [/a] }", "did you mean \"keep\"?"), ("value: { keep: [] }", "is an empty list"),
        ("value: { mask: [\"/items/*/x\"] }", "places have no patterns"),
        ("tombstone_on_empty: sometimes", "true or false"),
    ])
    func `what reduces nothing is refused with what to do`(_ more: String, _ expected: String) {
        let problems = problems(more)
        #expect(problems.contains { $0.contains(expected) }, "\(problems)")
        #expect(!problems.contains { $0.contains("secret") })
    }

    @Test(arguments: ["/none", "/empty"])
    func `a key that cannot be read is one mistake`(_ file: String) {
        #expect(problems("value: { hash: [/a], hash_key_file: \(file) }").count == 1)
    }

    @Test(
        arguments: [
            ("key: \"{payload./mail}\", value: { hash: [/mail], hash_key_file: /key }", [.keySpread, .revealed]),
            ("partition: \"{payload./a/b}\", value: { drop: [/a] }", [.keySpread, .revealed]),
            ("headers: { x: { payload: /a } }, value: { mask: [/a/b] }", [.revealed]),
            ("headers: { x: { payload: /b } }, value: { keep: [/a] }", [.revealed]),
            ("headers: { x: { payload: /a/b } }, value: { keep: [/a] }", []),
            ("headers: { x: { metadata: /a } }, value: { mask: [/a] }", []),
            ("headers: { x: { payload: /b } }, value: { mask: [/a] }", []),
        ] as [(String, [ConfigurationProblem.Code])])
    func `what the value conceals and another part shows is a warning`(
        _ more: String, _ expected: [ConfigurationProblem.Code]
    ) throws {
        let loaded = try Configuration.read(
            "consumers: { a: { topic: t, \(more) } }", name: "godwit.yaml", environment: [:], needs: [],
            readFile: { _ in "secret" })
        #expect(loaded.warnings.map(\.code) == expected, "\(loaded.warnings)")
    }

    @Test func `mappings come from the environment too, and replace those of the file`() throws {
        let variables = [
            "GODWIT_CONSUMERS_A_WHERE": "{ /country: [DE, AT], /n: 1 }",
            "GODWIT_CONSUMERS_A_HEADERS": "{ event_type: type, x: { value: y } }",
            "GODWIT_CONSUMERS_A_VALUE_RENAME": "{ /a: b }", "GODWIT_CONSUMERS_A_TOPICS": "{ Erased: gone }",
        ]
        let consumer = try consumer("where: { /old: x }, headers: minimal, topics: { Old: other }", variables)
        #expect(consumer.filter.conditions.map(\.pointer.description).sorted() == ["/country", "/n"])
        #expect(consumer.renamedHeaders == ["event_type": "type"] && consumer.addedHeaders.map(\.name) == ["x"])
        #expect(consumer.projection?.steps.rename.map(\.name) == ["b"] && consumer.topics.keys.sorted() == ["Erased"])
        #expect(try self.consumer("batch_size: 1", ["GODWIT_CONSUMERS_A_HEADERS": "minimal"]).headers != .standard)
        let sections = [
            "GODWIT_CONSUMERS_A_VALUE": "{ mask: [/a], hash: [/b], hash_key_file: /key }",
            "GODWIT_CONSUMERS_A_TOPIC_SETTINGS": "{ cleanup.policy: compact }",
        ]
        let whole = try self.consumer("value: { drop: [/c] }", sections)
        #expect(whole.projection?.steps.mask.map(\.description) == ["/a"])
        #expect(whole.projection?.steps.drop.isEmpty == true && whole.projection?.steps.hash.count == 1)
        #expect(whole.topicSettings.settings == ["cleanup.policy": "compact"])
    }

    @Test(arguments: [
        ("WHERE", "country=DE", "must be a mapping"), ("WHERE", "{ /country: [DE }", "is not written as in a file"),
        ("VALUE_RENAME", "/a", "must be a mapping"), ("WHERE", "{ country: DE }", "is no place in JSON"),
        ("HEADERS", "{ event_type: { value: x } }", "it is a header of Godwit's own"),
        ("VALUE", "mask=/a", "is a mapping: write it as in the file"),
        ("VALUE", "{ maks: [/a] }", "did you mean \"mask\"?"),
    ])
    func `a mapping in a variable is refused by the variable's name`(_ key: String, _ text: String, _ expected: String)
    {
        let problems = ConfigurationFileTests.problems(
            "consumers: { a: { topic: t } }", environment: ["GODWIT_CONSUMERS_A_\(key)": text], needs: [])
        #expect(problems.count == 1 && problems[0].hasPrefix("GODWIT_CONSUMERS_A_\(key): "), "\(problems)")
        #expect(problems.first?.contains(expected) == true, "\(problems)")
    }

    @Test func `what holds is shown, but for the key`() throws {
        let entries = try ConfigurationFileTests.read(
            """
            consumers: { a: { topic: t, headers: { event_type: type, x: { value: y } },
              value: { hash: [/a], rename: { /b: c }, hash_key_file: /key }, tombstone_on: [Erased] } }
            """, needs: [], files: ["/key": "hushhush"]
        ).configuration.entries
        let text = ConfigurationReport.text(entries)
        for expected in [
            "hash: [/a]", "hash_key: (hidden)", #"rename: "{ /b: c }""#, "tombstone_on: [Erased]",
            #"headers: "{ event_type: type, x: { value: y } }""#, "trace_headers: [traceparent, tracestate]",
        ] {
            #expect(text.contains(expected), "\(expected) in \(text)")
        }
        #expect(!text.contains("hush"))
    }

    @Test(arguments: [
        ("tombstone_on: [Erased], where: { /country: DE }", 1),
        ("tombstone_on_empty: true, where: { /country: DE }", 1),
        ("tombstone_on: [Erased], event_types: [\"Order*\"]", 1),
        ("tombstone_on: [Erased], except_event_types: [\"*d\"]", 1),
        ("tombstone_on: [Erased], except_where: { /country: DE }", 0),
        ("tombstone_on: [Erased], where_metadata: { /country: DE }", 0),
        ("tombstone_on: [\"*Erased\"], event_types: [\"*Erased\"]", 0),
    ])
    func `tombstones that the filter passes over are warned of`(_ more: String, _ count: Int) {
        #expect(warnings(more) == Array(repeating: .tombstoneFiltered, count: count), "\(more)")
    }

    @Test func `without a source the headers of CloudEvents are checked all the same`() {
        let problems = problems("format: cloudevents_binary, headers: { event_type: type, source: { value: y } }")
        #expect(problems.count == 3, "\(problems)")
    }

    @Test func `tombstones are named by their event types`() throws {
        let route = try consumer("tombstone_on: [UserErased], tombstone_on_empty: true").route
        #expect(route?.tombstones == Tombstones(types: ["UserErased"], includesEmpty: true))
    }
}
