import EventSourcing
import Testing

@testable import Appliance

/// Which table the events are in, and which columns, as the file says it.
@Suite struct SourceConfigurationTests {
    private static let columns =
        "position: no, event_id: id, aggregate_type: { value: Order }, aggregate_id: subject, event_type: type, payload: body"

    private func read(_ text: String, _ environment: [String: String] = [:]) throws -> Configuration {
        try ConfigurationFileTests.read(text, environment: environment, needs: []).configuration
    }

    private func problems(_ text: String) -> [String] { ConfigurationFileTests.problems(text, needs: []) }

    @Test func `without it the table has Godwit's own shape`() throws {
        let configuration = try read("log: { level: info }")
        #expect(configuration.source.columns == nil && configuration.source.kind == .eventStore)
        #expect(!configuration.database.tables.source.isMapped)
    }

    @Test func `columns, constants and nothing are taken from the file`() throws {
        let configuration = try read(
            """
            database: { schema: shop }
            source:
              table: '"Out box"'
              kind: outbox
              columns: { \(Self.columns), bounded_context: null, created_at: "At, UTC", metadata: ~ }
            """)
        let shape = configuration.database.tables.source
        #expect(shape.table.schema == "shop" && shape.table.name == "Out box" && configuration.source.kind == .outbox)
        #expect(shape.position == "no" && shape.column(.createdAt) == "At, UTC")
        #expect(shape.origin(of: .aggregateType) == .constant("Order"))
        for field in [SourceShape.Field.boundedContext, .metadata, .aggregateVersion, .traceID] {
            #expect(shape.origin(of: field) == .absent)
        }
        #expect(configuration.entries.contains { $0.path == ["source", "columns", "aggregate_type"] })
    }

    @Test func `the environment names columns too`() throws {
        let configuration = try read(
            "source: { columns: { \(Self.columns) } }",
            ["GODWIT_SOURCE_TABLE": "a.b", "GODWIT_SOURCE_COLUMNS_POSITION": "other"])
        #expect(configuration.database.tables.source.position == "other")
        #expect(configuration.database.tables.events.text == "a.b")
    }

    @Test func `two names of the table are refused, and one that both give is taken`() throws {
        let both = problems("database: { tables: { events: log } }\nsource: { table: outbox }")
        #expect(both.count == 1 && both[0].contains("\"source.table\" is outbox"))
        #expect(problems("database: { tables: { events: log } }\nsource: { table: public.log }") == [])
    }

    @Test func `fields that no event is without need a column, all of them named`() {
        let missing = problems("source: { columns: { position: no, payload: body } }")
        #expect(missing.count == 1)
        #expect(missing[0].contains("aggregate_type, aggregate_id, event_id, event_type"), "\(missing)")
        #expect(missing[0].contains("{ value: Order }"))
    }

    @Test(arguments: [
        ("event_id: { value: x }", "cannot be the same for each event"), ("payload: ~", "no event is without it"),
        ("event_type: { column: x }", "takes a column's name"),
        ("created_at: { column: x, unit: days }", "units are seconds, milliseconds, microseconds"),
        ("created_at: { column: x }", "unit: milliseconds"),
        ("event_type: { column: x, unit: seconds }", "takes a column's name"),
        ("metadata: { value: x }", "cannot be the same"),
        ("trace_id: \(String(repeating: "x", count: 64))", "more than 63 bytes"), ("tarce_id: x", "did you mean"),
    ])
    func `what makes no sense is refused`(_ entry: String, _ words: String) {
        let name = entry.prefix { $0 != ":" }
        let others = Self.columns.replacing("{ value: Order }", with: "{value:Order}").split(separator: ", ")
            .filter { !$0.hasPrefix(name + ":") }.joined(separator: ", ").replacing(
                "{value:Order}", with: "{ value: Order }")
        let problems = problems("source: { columns: { \(others), \(entry) } }")
        #expect(problems.contains { $0.contains(words) }, "\(problems)")
    }

    @Test func `a consumer that goes by a context that no event has is refused`() {
        let problems = problems(
            """
            source: { table: outbox, columns: { \(Self.columns) } }
            consumers: { a: { topic: "{bounded_context}.x" }, b: { topic: t, bounded_contexts: [Shop] } }
            """)
        #expect(
            problems.count == 2 && problems.allSatisfy { $0.contains("source.columns does not say") }, "\(problems)")
    }
}
