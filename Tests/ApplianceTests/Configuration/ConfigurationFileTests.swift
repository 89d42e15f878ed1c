import Consumers
import EventSourcing
import Testing

@testable import Appliance

@Suite struct ConfigurationFileTests {
    static let least = """
        database: { url: "postgres://relay:hush@db:5433/app" }
        kafka: { bootstrap_servers: "kafka:9092" }
        consumers: { identity: { topic: identity } }
        """

    static func read(
        _ text: String?, environment: [String: String] = [:],
        needs: Set<Configuration.Need> = [.database, .kafka, .consumers],
        files: [String: String] = [:]
    ) throws(ConfigurationError) -> Configuration.Loaded {
        try Configuration.read(text, name: "godwit.yaml", environment: environment, needs: needs) { path in
            guard let content = files[path] else { throw UnreadableFile(reason: "there is no such file") }
            return content
        }
    }

    static func problems(
        _ text: String?, environment: [String: String] = [:], files: [String: String] = [:],
        needs: Set<Configuration.Need> = [.database, .kafka, .consumers]
    ) -> [String] {
        do throws(ConfigurationError) {
            _ = try read(text, environment: environment, needs: needs, files: files)
            return []
        } catch {
            return error.problems.filter { $0.level == .error }.map(\.description)
        }
    }

    @Test func `the least file gives every other value its default`() throws {
        let configuration = try Self.read(Self.least).configuration
        #expect(configuration.database.tables.events.text == "public.events")
        #expect(configuration.worker.pollInterval == .milliseconds(100))
        #expect(configuration.worker.shutdownTimeout == .seconds(20))
        let consumer = try #require(configuration.consumers.first)
        #expect(consumer.name == "identity" && consumer.totalSegments == 4 && consumer.batchSize == 4_000)
        #expect(consumer.boundedContexts.isEmpty)
        #expect(configuration.admin.listen == nil)
    }

    @Test func `a consumer takes what worker says and may say otherwise`() throws {
        let configuration = try Self.read(
            """
            database: { url: "host=db" }
            kafka: { bootstrap_servers: "kafka" }
            worker: { batch_size: 50, total_segments: 8 }
            consumers:
              b: { topic: b, batch_size: 7 }
              a: { topic: a, bounded_contexts: [A, "B C"] }
            """
        ).configuration
        #expect(configuration.consumers.map(\.name) == ["b", "a"])
        #expect(configuration.consumers.map(\.batchSize) == [7, 50])
        #expect(configuration.consumers.map(\.totalSegments) == [8, 8])
        #expect(configuration.consumers[1].boundedContexts == ["A", "B C"])
    }

    @Test func `an unknown key is named with its line and the nearest known one`() {
        let text = """
            database:
              url: postgres://db/app
            kafka:
              bootstrap_server: kafka:9092
            consumers:
              identity:
                topc: identity
                topic: identity
            nonsense: 1
            """
        let problems = Self.problems(text)
        #expect(
            problems.contains(
                #"godwit.yaml:4: unknown key "bootstrap_server" under "kafka"; did you mean "bootstrap_servers"?"#))
        #expect(
            problems.contains(#"godwit.yaml:7: unknown key "topc" under "consumers.identity"; did you mean "topic"?"#))
        #expect(
            problems.contains {
                $0.hasPrefix(#"godwit.yaml:9: unknown key "nonsense"; known here: admin, audit, consumers"#)
            })
        #expect(problems.last?.contains(#""kafka.bootstrap_servers" is required"#) == true)
        #expect(problems.count == 4)
    }

    @Test func `all that is wrong is reported at once and in the order of the file`() {
        let problems = Self.problems(
            """
            database:
              url:
              connect_timeout: 1h
              lock_timeout: 5 minutes
              schema: "my schema"
            kafka:
              bootstrap_servers: [a, b]
            worker:
              batch_size: 0
              total_segments: many
            consumers:
              identity: { topic: identity, bounded_contexts: Identity, format: paylod }
            """)
        let expected = [
            #"godwit.yaml:2: "database.url" has no value"#,
            #"godwit.yaml:3: "database.connect_timeout" is 1h, but must be in the range 100ms to 10m"#,
            #"godwit.yaml:4: "database.lock_timeout" is "5 minutes", but must be a duration such as 500ms, 30s or 5m"#,
            #"godwit.yaml:5: "database.schema" may hold letters"#,
            #"godwit.yaml:7: "kafka.bootstrap_servers" takes one value, not a list"#,
            #"godwit.yaml:9: "worker.batch_size" is 0, but must be in the range 1 to 100000"#,
            #"godwit.yaml:12: "consumers.identity.bounded_contexts" must be a list"#,
            #"godwit.yaml:12: "consumers.identity.format" is "paylod", but must be one of: payload, cloudevents_binary, cloudevents_structured; did you mean "payload"?"#,
            #"godwit.yaml:10: "worker.total_segments" is "many", but must be a whole number"#,
        ]
        for line in expected {
            #expect(problems.contains { $0.hasPrefix(line) }, "missing: \(line) in \(problems)")
        }
        #expect(problems.count == expected.count, "\(problems)")
        let lines = problems.compactMap { $0.split(separator: ":").dropFirst().first.flatMap { Int($0) } }
        #expect(lines == lines.sorted())
    }

    @Test func `a key given twice is refused with its line`() {
        let problems = Self.problems("kafka:\n  bootstrap_servers: a\n  bootstrap_servers: b\n", needs: [])
        #expect(problems == [#"godwit.yaml:2: the key "bootstrap_servers" is given more than once; keep one"#])
    }

    @Test func `what is no YAML is refused with its line`() {
        let problems = Self.problems("kafka:\n  a: [1,\n", needs: [])
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("godwit.yaml:3: this is not YAML: ") == true)
        // Nothing is known of what such a file lacks.
        #expect(Self.problems("kafka:\n  a: [1,\n").count == 1)
        #expect(Self.problems("just words", needs: []) == ["godwit.yaml:1: the file must be a mapping of keys"])
    }

    @Test func `where neither file nor environment says anything, the way to say it is told first`() {
        #expect(
            Self.problems(nil).first
                == "no configuration was given: name a file with --config or GODWIT_CONFIG, or have godwit.yaml in this folder"
        )
        for problems in [Self.problems(""), Self.problems(nil, environment: ["GODWIT_CONSUMERS_A_TOPIC": "a"])] {
            #expect(problems.count >= 2 && !problems.contains { $0.hasPrefix("no configuration") })
        }
    }

    @Test func `a second document, and aliases without end, are refused; other aliases are taken`() throws {
        #expect(
            Self.problems("kafka: {}\n---\nlog: {}\n", needs: []) == [
                "godwit.yaml:2: a second document begins here; only one is allowed"
            ])
        #expect(
            Self.problems("consumers: &a\n  b: *a\n", needs: []) == [
                "godwit.yaml:2: too deep or too large; use fewer aliases"
            ])
        // Each line has nine times as many nodes as the one before.
        let laughs = (1...9).map {
            "l\($0): &l\($0) [\([String](repeating: "*l\($0 - 1)", count: 9).joined(separator: ", "))]"
        }
        let problems = Self.problems((["l0: &l0 x"] + laughs).joined(separator: "\n"), needs: [])
        #expect(problems.count == 1 && problems[0].contains("too large"), "\(problems)")
        let consumers = try Self.read(
            "consumers:\n  a: &a { topic: x, bounded_contexts: [A] }\n  b: *a\n", needs: []
        ).configuration.consumers
        #expect(consumers.map(\.boundedContexts) == [["A"], ["A"]])
    }

    @Test func `quoted words are text, and control characters are refused`() {
        #expect(Self.problems("log: { level: \"~\" }", needs: []).first?.contains("has no value") == false)
        #expect(Self.problems("log: { level: ~ }", needs: []).first?.contains("has no value") == true)
        #expect(Self.problems("log: { level: \u{1} }", needs: []).first?.contains("not UTF-8 text") == true)
    }

    @Test func `an empty section and an empty file say nothing and are no mistake`() throws {
        #expect(Self.problems("worker:\nlog:\n", needs: []).isEmpty)
        #expect(Self.problems("", needs: []).isEmpty)
        #expect(Self.problems(nil, needs: []).isEmpty)
    }

    @Test func `a topic that is no template is refused with what is wrong`() {
        let problems = Self.problems(
            "consumers:\n  a: { topic: \"a.{agregate_type}\" }\n  b: { topic: \"b c\" }\nkafka: { topics: { create: maybe } }\n",
            needs: [])
        #expect(problems.count == 3)
        #expect(
            problems.first?.hasPrefix(#"godwit.yaml:2: "consumers.a.topic" cannot be used: `{agregate_type}`"#) == true)
        #expect(problems.dropFirst().first?.hasPrefix(#"godwit.yaml:3: "consumers.b.topic" cannot be used: "#) == true)
        #expect(problems.last == #"godwit.yaml:4: "kafka.topics.create" is "maybe", but must be true or false"#)
    }

    @Test func `sizes, heartbeats and where to start are checked`() throws {
        let right = try Self.read(
            """
            worker: { bytes_in_flight: 64MiB, heartbeat_interval: 1s, stale_threshold: 3s }
            consumers: { a: { topic: a, start: now }, b: { topic: b, start: 1200 }, c: { topic: c } }
            """, needs: []
        ).configuration
        #expect(right.worker.bytesInFlight == 64 << 20)
        #expect(right.consumers.map(\.start) == [.now, .after(1200), .beginning])
        let problems = Self.problems(
            "worker: { bytes_in_flight: 5MB, stale_threshold: 5s }\nconsumers: { a: { topic: a, start: yesterday } }",
            needs: [])
        #expect(problems.count == 3)
        #expect(problems.contains { $0.contains("32MiB or 1GiB") })
        #expect(problems.contains { $0.contains("three times") })
        #expect(problems.contains { $0.contains("beginning, now") })
    }

    @Test func `CloudEvents need a source, and payload takes none`() throws {
        let problems = Self.problems(
            """
            consumers:
              a: { topic: a, format: cloudevents_binary }
              b: { topic: b, cloudevents_source: /b }
              c: { topic: c, format: cloudevents_structured, cloudevents_source: "/c/{nothing}" }
              d: { topic: d, format: cloudevents_structured, cloudevents_source: "/d/{bounded_context}" }
            """, needs: [])
        #expect(problems.map { $0.prefix(13) } == ["godwit.yaml:2", "godwit.yaml:3", "godwit.yaml:4"])
    }

    @Test func `what a command needs is required of it alone`() {
        #expect(Self.problems("", needs: [.database]).count == 1)
        let all = Self.problems("")
        #expect(all.count == 3)
        #expect(all.contains { $0.contains("GODWIT_KAFKA_BOOTSTRAP_SERVERS") })
        #expect(all.contains { $0.contains("database.url_file") })
        #expect(all.contains { $0.contains("consumers") })
    }

    @Test(arguments: [
        ("kafka:99999", "port"), ("kafka:", "port"), (":9092", "no host"), ("a,,b", "empty address"),
        ("::1:9092", "brackets"), ("kafka:0", "port"), ("kafka:+9092", "port"), ("kafka:9092/", "port"),
        ("SASL_SSL://kafka:9092", "SASL_SSL://"), ("ssl://kafka:9093", "ssl://"), ("a:1,http://b:2", "http://"),
        ("u:hush@kafka:9092", "an @"), ("a b:9092", "no name"), ("kafka/x", "no name"), ("[::g]:9092", "brackets"),
        ("кафка:9092", "no name"), (".:9092", "no name"), ("a..b:9092", "no name"), ("-:9092", "no name"),
        ("10.0.0.256:9092", "no name"), ("10.0.0:9092", "no name"), ("9092", "no name"),
        ("[kafka]:9092", "brackets"),
        (" ", "empty address"), ("kafka:9092,", "empty address"), ("kafka:9092\nb:9092", "line break"),
    ])
    func `an address librdkafka would take silently is refused`(servers: String, word: String) {
        let problems = Self.problems(nil, environment: ["GODWIT_KAFKA_BOOTSTRAP_SERVERS": servers], needs: [.kafka])
        #expect(problems.count == 1 && problems[0].contains(word), "\(problems)")
        #expect(!problems.joined().contains("hush"))
    }

    @Test(arguments: [
        "kafka", "kafka:9092", "a:1, b:2", "[::1]:9092", "[::1]", "my_kafka-0.svc:9092", "kafka.:9092", "10.0.0.1:9092",
        "kafka:9092\n",
    ])
    func `an address librdkafka can use is taken`(servers: String) {
        #expect(Self.problems(nil, environment: ["GODWIT_KAFKA_BOOTSTRAP_SERVERS": servers], needs: [.kafka]).isEmpty)
    }

    @Test func `a mistake in the connection string is told without the password`() {
        let problems = Self.problems(
            "database: { url: \"postgres://relay:hush@db/app?nonsense=hush\" }", needs: [.database])
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix(#"godwit.yaml:1: "database.url" cannot be used: "#) == true)
        #expect(problems.first?.contains("hush") == false)
    }

    @Test func `consumers that only differ in case or punctuation are refused`() {
        let problems = Self.problems("consumers:\n  a-b: { topic: x }\n  A_B: { topic: y }\n", needs: [])
        #expect(
            problems == [
                #"godwit.yaml:3: the consumers "a-b" and "A_B" differ in case or punctuation only; rename one"#
            ])
    }

    @Test func `the admin port stays on loopback unless there is a token`() throws {
        let open = Self.problems("admin: { listen: \"0.0.0.0:9464\" }", needs: [])
        #expect(open.count == 1 && open[0].contains("token_file"))
        #expect(Self.problems("admin: { listen: \"127.0.0.1:9464\" }", needs: []).isEmpty)
        #expect(Self.problems("admin: { listen: \"0.0.0.0:9464\", token: t }", needs: []).isEmpty)
        #expect(Self.problems("admin: { listen: \"9464\" }", needs: []).count == 1)
    }

    @Test func `tables may stand in another schema, and two may not be the same`() throws {
        let tables = try Self.read("database: { schema: shop, tables: { events: log.entries } }", needs: [])
            .configuration
            .database.tables
        #expect(tables.events.text == "log.entries")
        #expect(tables.aggregateHeads.text == "shop.aggregate_heads")
        let problems = Self.problems("database: { tables: { events: one, aggregate_heads: one } }", needs: [])
        #expect(problems.count == 1 && problems[0].contains("another of the tables"))
    }
}
