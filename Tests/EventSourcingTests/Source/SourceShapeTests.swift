import Testing

@testable import EventSourcing
@testable import Postgres

@Suite struct SourceShapeTests {
    private static func shape(_ more: [SourceShape.Field: SourceShape.Origin] = [:]) throws -> SourceShape {
        let origins: [SourceShape.Field: SourceShape.Origin] = [
            .globalPosition: .column("pos"), .eventID: .column("id"), .aggregateType: .constant("Order"),
            .aggregateID: .column("subject"), .eventType: .column("type"), .payload: .column("body"),
        ]
        return SourceShape(
            try TableName(source: "shop.outbox"), try SourceColumns(origins.merging(more) { $1 }))
    }

    private static func catalog(_ columns: [SourceCatalog.Column]) -> SourceCatalog {
        var catalog = SourceCatalog()
        catalog.role = "relay"
        for column in columns { catalog.columns[column.name] = column }
        return catalog
    }

    private static var sound: [SourceCatalog.Column] {
        [
            .init(name: "pos", type: .integer(bytes: 8), typeName: "bigint"),
            .init(name: "id", type: .uuid, typeName: "uuid"),
            .init(name: "subject", type: .text, typeName: "text"), .init(name: "type", type: .text, typeName: "text"),
            .init(name: "body", type: .jsonb, typeName: "jsonb"),
        ]
    }

    private static func problems(_ change: (inout SourceCatalog) -> Void) throws -> [String] {
        var catalog = catalog(sound)
        change(&catalog)
        return try shape().problems(catalog).map(\.text)
    }

    @Test func `Godwit's own shape is read with the SQL that it always had`() throws {
        let table = EventsTable(SourceShape(try TableName("public.events")))
        let sql = table.readAll(after: 0, limit: 10, bound: .cumulative(100), wanted: EventScope(aggregateTypes: ["A"]))
            .statement.sql
        #expect(
            sql.contains(
                """
                SELECT "global_position" AS global_position, "bounded_context" AS bounded_context, \
                "aggregate_type" AS aggregate_type, "aggregate_id" AS aggregate_id, "aggregate_version" AS aggregate_version, \
                "event_id" AS event_id, "event_type" AS event_type, "event_version" AS event_version, \
                CASE WHEN NOT ("aggregate_type" = $2) THEN ''::bytea ELSE "payload" END AS payload, "trace_id" AS trace_id, \
                "correlation_id" AS correlation_id, "causation_id" AS causation_id, \
                CASE WHEN NOT ("aggregate_type" = $2) THEN NULL ELSE "metadata" END AS metadata, "created_at" AS created_at \
                FROM "public"."events" WHERE "global_position" > $1 ORDER BY "global_position" LIMIT 10
                """))
        #expect(!sql.contains("::text AS") && !sql.contains("pg_typeof") && !sql.contains("OFFSET"))
    }

    @Test func `what an event cannot be without needs a column`() throws {
        #expect {
            _ = try SourceColumns([
                .globalPosition: .column("p"), .aggregateType: .constant("A"), .eventID: .constant("x"),
            ])
        } throws: { error in
            (error as? SourceColumns.MissingFields)?.fields == [.aggregateID, .eventID, .eventType, .payload]
        }
    }

    @Test func `a column that is missing, or of a wrong type, is named with what to do`() throws {
        #expect(try Self.problems { _ in } == [])
        let missing = try Self.problems { $0.columns["body"]?.type = nil }
        #expect(missing.count == 1)
        #expect(missing[0].contains("no column \"body\"") && missing[0].contains("source.columns.payload"))
        #expect(!missing[0].contains("migrate"))
        let wrong = try Self.problems { $0.columns["subject"]?.type = .other("point") }
        #expect(
            wrong.count == 1 && wrong[0].contains("\"subject\"")
                && wrong[0].contains("source.columns.aggregate_id takes"))
    }

    @Test func `positions that may be NULL are refused`() throws {
        let problems = try Self.problems { $0.columns["pos"]?.isNotNull = false }
        #expect(problems.count == 1 && problems[0].contains("ALTER COLUMN \"pos\" SET NOT NULL"))
        // Any other column may be.
        #expect(try Self.problems { $0.columns["subject"]?.isNotNull = false } == [])
    }

    @Test func `rights by column suffice, and one that is lacking is named with its grant`() throws {
        #expect(try Self.problems { $0.mayReadTable = false } == [])
        let one = try Self.problems {
            $0.mayReadTable = false
            $0.columns["body"]?.mayRead = false
        }
        #expect(one.count == 1 && one[0].contains(#"GRANT SELECT ("body") ON "shop"."outbox" TO "relay""#))
        let all = try Self.problems {
            $0.mayReadTable = false
            for name in $0.columns.keys { $0.columns[name]?.mayRead = false }
        }
        #expect(all.count == 1 && all[0].contains(#"GRANT SELECT ON "shop"."outbox" TO "relay""#))
        #expect(try Self.problems { $0.mayUseSchema = false }[0].contains(#"GRANT USAGE ON SCHEMA "shop" TO "relay""#))
    }

    @Test(arguments: [("v", "view"), ("m", "view"), ("f", "foreign table"), ("S", "no table")])
    func `what is no table is refused by what it is`(_ kind: String, _ word: String) throws {
        let problems = try Self.problems { $0.kind = kind }
        #expect(problems.count == 1 && problems[0].contains(word))
    }

    @Test(arguments: [
        ("outbox", "public", "outbox"), ("shop.Outbox", "shop", "Outbox"), (#""a.b"."c ""d""""#, "a.b", #"c "d""#),
        (#"shop."Größe""#, "shop", "Größe"), ("événements", "public", "événements"),
    ])
    func `tables may have any name`(_ text: String, _ schema: String, _ name: String) throws {
        let table = try TableName(source: text)
        #expect(table.schema == schema && table.name == name)
        #expect(try TableName(source: table.text) == table)
    }

    @Test(arguments: ["", "a.b.c", ".a", "a.", #""a"#, #"a"b"#, #""a"b"#, String(repeating: "x", count: 64)])
    func `what is no table's name is refused`(_ text: String) {
        #expect(throws: EventStoreError.self) { try TableName(source: text) }
    }
}
