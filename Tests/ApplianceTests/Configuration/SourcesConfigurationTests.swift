import EventSourcing
import Postgres
import Testing

@testable import Appliance

/// Several named sources: what each has, which consumers are whose, and what is wrong with them.
@Suite struct SourcesConfigurationTests {
    private func read(_ text: String, _ environment: [String: String] = [:]) throws -> Configuration {
        try ConfigurationFileTests.read(text, environment: environment, needs: [.database, .kafka, .consumers])
            .configuration
    }

    private static let two = """
        database: { url: "host=a user=u dbname=first", schema: shop, password: hush }
        kafka: { bootstrap_servers: kafka }
        worker: { bytes_in_flight: 32MiB }
        sources:
          orders: { kind: outbox, retention: { delivered_for: 7d } }
          billing:
            table: '"Out box"'
            columns: { position: no, event_id: id, aggregate_type: { value: Bill }, aggregate_id: bill, event_type: type, payload: body }
            database: { url: "host=b user=u dbname=second", godwit_schema: godwit_b, password_command: [token] }
        consumers:
          identity: { topic: a, source: orders }
          invoices: { topic: b, source: billing }
          dunning: { topic: c, source: billing }
        """

    @Test func `each source has its own database and table, and shares the rest`() throws {
        let whole = try read(Self.two)
        #expect(whole.consumers.map(\.name) == ["identity", "invoices", "dunning"])
        #expect(whole.bySource.map(\.sourceName) == ["orders", "billing"])
        let (orders, billing) = (whole.sources[0], whole.sources[1])
        #expect(orders.consumers.map(\.name) == ["identity"])
        #expect(billing.consumers.map(\.name) == ["invoices", "dunning"])
        #expect(orders.database.connection?.redactedDescription.contains("first") == true)
        #expect(billing.database.connection?.redactedDescription.contains("second") == true)
        #expect(orders.database.tables.events.text == "shop.events")
        #expect(billing.database.tables.events.text == "shop.\"Out box\"")
        #expect(orders.database.tables.godwitSchema == "godwit")
        #expect(billing.database.tables.godwitSchema == "godwit_b")
        #expect(orders.source.kind == .outbox && orders.source.retention.deliveredFor != nil)
        #expect(billing.source.kind == .eventStore && billing.source.columns != nil)
        // One budget of the process.
        #expect(orders.worker.bytesInFlight == 16 << 20)
        #expect(whole.source(of: "dunning")?.sourceName == "billing")
        #expect(try whole.choose(source: nil, consumer: "identity").sourceName == "orders")
        #expect(throws: Failure.self) { try whole.choose(source: nil) }
        #expect(throws: Failure.self) { try whole.choose(source: "none") }
        // A password that comes by a command is none of the others' password.
        let command = ["sources", "billing", "database", "password_command"]
        #expect(whole.entries.contains { $0.path == command })
        #expect(!whole.entries.contains { $0.path == ["sources", "billing", "database", "password"] })
        #expect(whole.entries.contains { $0.path == ["sources", "orders", "retention", "delivered_for"] })
        #expect(!whole.entries.contains { $0.path.first == "source" || $0.path.first == "database" })
    }

    @Test func `a job publishes to no topic of another source's consumer`() throws {
        let orders = try #require(try read(Self.two).source(of: "identity"))
        let context = try JobContext(orders)
        let identity = try context.consumer("identity")
        let failure = #expect(throws: Failure.self) { try context.jobOptions(identity, topic: "b") }
        #expect(failure?.message.contains("invoices") == true, "\(failure?.message ?? "")")
        _ = try context.jobOptions(identity, topic: "again")
    }

    @Test func `the environment makes sources, and overrides those of the file`() throws {
        let configuration = try read(
            Self.two,
            [
                "GODWIT_SOURCES_ORDERS_DATABASE_SCHEMA": "other", "GODWIT_SOURCES_THIRD_TABLE": "a.b",
                "GODWIT_CONSUMERS_DUNNING_SOURCE": "third",
            ])
        #expect(configuration.sources.map(\.sourceName) == ["orders", "billing", "third"])
        #expect(configuration.sources[0].database.tables.events.text == "other.events")
        #expect(configuration.sources[2].database.tables.events.text == "a.b")
        #expect(configuration.sources[2].consumers.map(\.name) == ["dunning"])
    }

    @Test func `one named source needs no naming by its consumers`() throws {
        let configuration = try read(
            """
            kafka: { bootstrap_servers: kafka }
            sources: { shop: { database: { url: host=a } } }
            consumers: { all: { topic: a } }
            """)
        #expect(configuration.sources.map { $0.consumers.map(\.name) } == [["all"]])
    }

    @Test func `what is wrong is named with its place`() {
        func problems(_ text: String) -> [String] {
            ConfigurationFileTests.problems(text, needs: [.database, .kafka, .consumers])
        }
        #expect(
            problems(
                """
                kafka: { bootstrap_servers: kafka }
                sources:
                  orders: { kind: outbax }
                  or ders: { kind: outbox }
                  ORDERS: { tabel: x }
                source: { table: x }
                consumers:
                  a: { topic: a }
                  b: { topic: b, source: order }
                """) == [
                    #"godwit.yaml:3: "sources.orders.kind" is "outbax", but must be one of: event_store, outbox; did you mean "outbox"?"#,
                    #"godwit.yaml:4: "or ders" is no name for a source; use letters, digits, `_`, `-` and `.`, at most 100"#,
                    #"godwit.yaml:5: unknown key "tabel" under "sources.ORDERS"; did you mean "table"?"#,
                    #"godwit.yaml:5: the sources "orders" and "ORDERS" differ in case or punctuation only; rename one"#,
                    #"godwit.yaml:6: "source.table" and "sources" are given; give the one source, or named ones"#,
                    #"godwit.yaml:9: "consumers.b.source" is none of "sources"; did you mean "ORDERS"?"#,
                    #""consumers.a.source" is required where there are several sources; name one of orders, ORDERS, in the file or by GODWIT_CONSUMERS_A_SOURCE"#,
                    #""sources.orders.database.url" is required; set it in the file, or "sources.orders.database.url_file", or GODWIT_SOURCES_ORDERS_DATABASE_URL"#,
                    #""sources.ORDERS.database.url" is required; set it in the file, or "sources.ORDERS.database.url_file", or GODWIT_SOURCES_ORDERS_DATABASE_URL"#,
                ])
        #expect(
            problems(
                "database: { url: host=a }\nkafka: { bootstrap_servers: k }\nconsumers: { a: { topic: a, source: x } }")
                == [
                    #"godwit.yaml:3: "consumers.a.source" is x, and "sources" names none; remove it, or name sources"#
                ])
    }
}
