import FoundationEssentials
import Postgres
import TestSupport
import Testing

@testable import EventSourcing

/// Each field of an event from each type of column: it is read, by every kind of read, or refused in words.
@Suite struct SourceTypesTests {
    private typealias Field = SourceShape.Field

    /// A type with a value of it, and what an event then has of each field that it fits; nil where it fits none.
    struct TypeCase: Sendable, CustomTestStringConvertible {
        let type: String
        let value: String
        var text: String?
        var integer: Int64?
        /// What the payload and the metadata are then.
        var bytes: String?
        var micros: Int64?
        var testDescription: String { type }
    }

    static let types: [TypeCase] = [
        .init(type: "text", value: "'{\"a\": 1}'", text: "{\"a\": 1}", bytes: "{\"a\": 1}"),
        .init(type: "varchar(40)", value: "'größer'", text: "größer", bytes: "größer"),
        .init(type: "char(6)", value: "'abc'", text: "abc", bytes: "abc   "),
        .init(type: "\"Words\"", value: "'word'", text: "word", bytes: "word"),
        .init(type: "\"Numbers\"", value: "17", text: "17", integer: 17),
        .init(type: "\"Colours\"", value: "'red'", text: "red"),
        .init(
            type: "uuid", value: "'0a6e2d3c-1111-4222-8333-444455556666'",
            text: "0a6e2d3c-1111-4222-8333-444455556666"),
        .init(type: "smallint", value: "7", text: "7", integer: 7),
        .init(type: "integer", value: "70000", text: "70000", integer: 70_000),
        .init(type: "bigint", value: "1234567890", text: "1234567890", integer: 1_234_567_890),
        .init(type: "bytea", value: "'{\"b\": 2}'", bytes: "{\"b\": 2}"),
        .init(type: "json", value: "'{\"c\":   3}'", bytes: "{\"c\":   3}"),
        .init(type: "jsonb", value: "'{\"d\":   4}'", bytes: "{\"d\": 4}"),
        .init(type: "jsonb", value: "'\"scalar\"'", bytes: "\"scalar\""),
        .init(type: "timestamptz", value: "'2024-05-06 07:08:09.123456+02'", micros: 1_714_972_089_123_456),
        .init(type: "timestamp", value: "'2024-05-06 07:08:09.123456'", micros: 1_714_979_289_123_456),
        .init(type: "date", value: "'2024-05-06'", micros: 1_714_953_600_000_000),
        .init(type: "timestamp", value: "'infinity'", micros: .max),
        .init(type: "date", value: "'-infinity'", micros: .min),
        .init(type: "numeric", value: "1.5"), .init(type: "boolean", value: "true"),
        .init(type: "text[]", value: "'{a}'"),
        .init(type: "double precision", value: "1.5"), .init(type: "xml", value: "'<a/>'"),
        .init(type: "inet", value: "'10.0.0.1'"),
    ]

    private static let usual: [(field: SourceShape.Field, column: String, type: String, value: String)] = [
        (.aggregateType, "kind", "text", "'Order'"), (.aggregateID, "subject", "text", "'o-1'"),
        (.eventID, "id", "uuid", "'11111111-2222-4333-8444-555555555555'"), (.eventType, "type", "text", "'Placed'"),
        (.payload, "body", "bytea", "'{}'"),
    ]

    private struct Source {
        let shape: SourceShape
        let catalog: SourceCatalog
        let connection: Connection
    }

    /// A table with the usual columns, one of them of the type, or one more, and a row.
    private func with(
        _ field: SourceShape.Field, _ type: TypeCase, _ body: (Source) async throws -> Void
    ) async throws {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let schema = quoteIdentifier(test.tables.godwitSchema)
            var columns = Self.usual.filter { $0.field != field }
            if field != .globalPosition { columns.append((field, "The \"column\"", type.type, type.value)) }
            let definitions = columns.map { "\(quoteIdentifier($0.column)) \($0.type)" }
            let names = columns.map { quoteIdentifier($0.column) }
            let position = field == .globalPosition ? type.type : "bigint"
            try await connection.execute(
                script: """
                    SET search_path = \(schema);
                    CREATE DOMAIN "Words" AS varchar CHECK (value <> '');
                    CREATE DOMAIN "Small" AS integer; CREATE DOMAIN "Numbers" AS "Small";
                    CREATE TYPE "Colours" AS ENUM ('red', 'green');
                    CREATE TABLE "Out Box" (event_type \(position) NOT NULL, \(definitions.joined(separator: ", ")));
                    \(field != .globalPosition || type.integer != nil ? "CREATE UNIQUE INDEX ON \"Out Box\" (event_type);" : "")
                    INSERT INTO "Out Box" (event_type, \(names.joined(separator: ", ")))
                    VALUES (\(field == .globalPosition ? type.value : "5"), \(columns.map(\.value).joined(separator: ", ")));
                    """)
            var origins = columns.reduce(into: [SourceShape.Field: SourceShape.Origin]()) {
                $0[$1.field] = .column($1.column)
            }
            // Called as another field is, whose name an ORDER BY would take.
            origins[.globalPosition] = .column("event_type")
            let table = try TableName(source: "\(test.tables.godwitSchema).\"Out Box\"")
            let shape = SourceShape(table, try SourceColumns(origins))
            let catalog = try await SourceCatalog(shape, on: connection)
            try await body(Source(shape: shape, catalog: catalog, connection: connection))
            await connection.close()
        }
    }

    /// The row by every kind of read, with types that are known and not.
    private func readAll(_ source: Source) async throws -> [EventBatch] {
        var batches: [EventBatch] = []
        try await source.connection.execute(script: "\(EventsTable.readingSettings); SET TimeZone = 'Asia/Tokyo'")
        for shape in [source.shape, source.shape.with(source.catalog)] {
            let table = EventsTable(shape)
            let scope = EventScope(aggregateTypes: ["Order", "{\"a\": 1}"])
            let statements: [BoundStatement] = [
                table.read(after: 0, limit: 9, scope: .all),
                table.read(after: 0, limit: 9, bound: .perRow(10_000), scope: .all),
                table.read(after: 0, limit: 9, bound: .cumulative(10_000), scope: .all),
                table.readAll(after: 0, limit: 9, bound: .cumulative(10_000), wanted: .all),
                table.readAll(in: [1...(.max)], limit: 9, bytes: 10_000, wanted: .all),
                table.read(EventSelection(), after: 0, through: .max, limit: 9, maximumBytes: 10_000),
            ]
            for statement in statements {
                batches.append(try table.batch(await source.connection.query(statement)))
            }
            let positions = batches.last?.map(\.globalPosition) ?? []
            batches.append(
                try table.batch(
                    await source.connection.query(table.read(at: positions, maximumBytes: 10_000))))
            // What a scope leaves out, and what only looks, must not fail either.
            for statement in [
                table.readAll(after: 0, limit: 9, bound: .perRow(10_000), wanted: EventScope(aggregateTypes: ["none"])),
                table.readAll(after: 0, limit: 9, bound: .cumulative(100), wanted: scope),
                table.readIdentities(EventSelection(), after: 0, through: .max, limit: 9),
                table.readIdentities(at: positions), table.backlog(after: 0, through: .max, limit: 9, scope: .all),
                table.count(EventSelection(), after: 0, through: .max, largerThan: 1), table.latestPosition,
                table.lastPositions(before: .max, limit: 9),
                table.lastPositions(ofAggregate: "o-1", from: 1, through: .max, limit: 9),
                table.read(
                    EventSelection(from: Date(timeIntervalSince1970: 0), until: Date()), after: 0, through: .max,
                    limit: 9, maximumBytes: 100),
            ] {
                let rows = try await source.connection.query(statement)
                #expect(rows.count <= 1)
            }
            let held = EventReference(position: positions.first ?? 0, eventID: batches.last?.first?.eventUUID ?? UUID())
            let holds = try await source.connection.query(table.holds(held))
            #expect(try holds.first?.decode(0, as: Bool.self) == true)
        }
        return batches
    }

    private static func text(_ span: RawSpan) -> String { span.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }

    private static func expected(_ field: SourceShape.Field, _ type: TypeCase) -> String? {
        switch field {
        case .globalPosition: type.type == "smallint" ? nil : type.integer.map { "\($0)" }
        case .aggregateVersion: type.integer.map { "\($0)" }
        case .eventVersion: type.integer.map { "\($0)" }
        case .eventID: type.type == "\"Colours\"" ? nil : type.text.map { _ in "" }
        case .payload, .metadata: type.bytes
        case .createdAt: type.micros.map { "\($0)" }
        default: type.text
        }
    }

    private static func found(_ field: SourceShape.Field, _ event: EventView) -> String {
        switch field {
        case .globalPosition: "\(event.globalPosition)"
        case .boundedContext: text(event.boundedContext)
        case .aggregateType: text(event.aggregateType)
        case .aggregateID: text(event.aggregateID)
        case .aggregateVersion: "\(event.aggregateVersion)"
        case .eventID: ""
        case .eventType: text(event.eventType)
        case .eventVersion: "\(event.eventVersion)"
        case .payload: text(event.payload)
        case .traceID: text(event.traceID)
        case .correlationID: text(event.correlationID)
        case .causationID: text(event.causationID)
        case .metadata: text(event.metadata)
        case .createdAt: "\(event.createdAtMicroseconds)"
        }
    }

    @Test(arguments: SourceShape.Field.allCases)
    func `each type is read as the field, or refused in words`(_ field: SourceShape.Field) async throws {
        for type in Self.types {
            try await with(field, type) { source in
                let problems = source.shape.problems(source.catalog)
                guard let expected = Self.expected(field, type) else {
                    #expect(problems.count == 1, "\(field) from \(type.type)")
                    #expect(problems.first?.text.contains(quoteIdentifier(source.shape.column(field) ?? "")) == true)
                    #expect(problems.first?.text.contains("source.columns.\(field.key) takes") == true)
                    return
                }
                #expect(problems.isEmpty, "\(field) from \(type.type): \(problems)")
                var ids: Set<UUID> = []
                for batch in try await readAll(source) {
                    let event = try #require(batch.first, "\(field) from \(type.type)")
                    #expect(Self.found(field, event) == expected, "\(field) from \(type.type)")
                    #expect(batch.count == 1 && !batch.mayHaveDefects)
                    ids.insert(event.eventUUID)
                }
                #expect(ids.count == 1, "an event's id is always the same: \(ids)")
            }
        }
    }

    @Test
    func `an id that is no uuid gets one that is always the same, of version 8, and a text that is one is that one`()
        async throws
    {
        let table = try TableName(source: "shop.outbox")
        try await TestStore.with { test in
            let connection = try await test.connect()
            for (value, known) in [
                ("'Order 17'::text", ["\\x"]), ("17::bigint", []),
                ("'0A6E2D3C-1111-4222-8333-444455556666'::text", ["own"]),
            ] {
                let columns = try SourceColumns([
                    .globalPosition: .column("p"), .eventID: .column("id"), .aggregateType: .constant("Order"),
                    .aggregateID: .column("a"), .eventType: .constant("E"), .payload: .column("b"),
                ])
                let sql =
                    "SELECT \(SourceShape(table, columns).expression(.eventID)) FROM (SELECT \(value) AS id) AS row"
                let id = try #require(try await connection.query(Statement(sql)).first?.decode(0, as: UUID.self))
                if known == ["own"] {
                    #expect(id.uuidString == "0A6E2D3C-1111-4222-8333-444455556666")
                } else {
                    let name = "shop.outbox/" + (value.hasPrefix("17") ? "17" : "Order 17")
                    let hash = try await connection.query(
                        BoundStatement(Statement("SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex')"), [name]))
                    let hex = Array(try #require(try hash.first?.decode(0, as: String.self)))
                    let digits = Array(id.uuidString.lowercased().filter { $0 != "-" })
                    #expect(
                        digits[0..<12] == hex[0..<12] && digits[13..<16] == hex[13..<16]
                            && digits[17...] == hex[17..<32])
                    #expect(digits[12] == "8" && "89ab".contains(digits[16]))
                }
            }
            await connection.close()
        }
    }
}
