public import Postgres

/// The name of a table, checked, with its schema.
public struct TableName: Sendable, Hashable {
    /// The schema, `public` unless given.
    public let schema: String
    /// The table.
    public let name: String
    /// Schema and table, quoted, for SQL.
    package let sql: String

    /// Takes `table` or `schema.table`.
    ///
    /// - Throws: `invalidTableName` unless each part begins with a letter or underscore, goes on with letters, digits
    ///   and underscores, and has at most 63 bytes. Upper case is kept: names are quoted in SQL.
    public init(_ text: String) throws(EventStoreError) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard (1...2).contains(parts.count) else {
            throw .invalidTableName(text, reason: "is neither `table` nor `schema.table`")
        }
        for part in parts where !Self.isIdentifier(part) {
            throw .invalidTableName(
                text, reason: "may hold letters, digits and underscores, at most 63, and begins with no digit")
        }
        self.init(schema: parts.count == 2 ? parts[0] : "public", name: parts[parts.count - 1])
    }

    /// A table of any name, as SQL writes it: `table`, `schema.table`, and in double quotes what holds other characters, as in
    /// `shop."Outbox events"`. Names are taken as they are written, upper case kept.
    ///
    /// - Parameter standard: the schema of a table without one.
    /// - Throws: `invalidTableName`.
    package init(source text: String, in standard: String = "public") throws(EventStoreError) {
        guard let parts = Self.parts(text), (1...2).contains(parts.count) else {
            throw .invalidTableName(
                text, reason: "is neither `table` nor `schema.table`, each as it is or in double quotes")
        }
        for part in parts {
            if let reason = Self.problem(ofName: part) { throw .invalidTableName(text, reason: reason) }
        }
        self.init(schema: parts.count == 2 ? parts[0] : standard, name: parts[parts.count - 1])
    }

    /// Why no table or column can be called so.
    package static func problem(ofName name: String) -> String? {
        if name.isEmpty { return "has an empty name" }
        if name.utf8.count > 63 { return "has a name of more than 63 bytes, which PostgreSQL cuts off" }
        return name.utf8.contains(0) ? "holds a NUL character" : nil
    }

    /// The names between dots, without their quotes.
    private static func parts(_ text: String) -> [String]? {
        var (parts, rest) = ([String](), text[...])
        while true {
            var part = ""
            if rest.first == "\"" {
                rest = rest.dropFirst()
                while true {
                    guard let quote = rest.firstIndex(of: "\"") else { return nil }
                    part += rest[..<quote]
                    rest = rest[rest.index(after: quote)...]
                    guard rest.first == "\"" else { break }
                    part += "\""
                    rest = rest.dropFirst()
                }
            } else {
                part = String(rest.prefix { $0 != "." })
                if part.contains("\"") { return nil }
                rest = rest.dropFirst(part.count)
            }
            parts.append(part)
            if rest.isEmpty { return parts }
            guard rest.first == "." else { return nil }
            rest = rest.dropFirst()
        }
    }

    /// For names known to be valid.
    init(schema: String, name: String) {
        self.schema = schema
        self.name = name
        sql = "\(quoteIdentifier(schema)).\(quoteIdentifier(name))"
    }

    /// Whether the text is fit for an identifier that needs no escaping.
    package static func isIdentifier(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 63 else { return false }
        let isLetter = { (byte: UInt8) in byte == 0x5F || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) }
        return isLetter(first) && text.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) }
    }

    /// The same table's name as text, for messages and records; in quotes what is no plain name.
    public var text: String { "\(Self.plain(schema)).\(Self.plain(name))" }

    private static func plain(_ name: String) -> String { isIdentifier(name) ? name : quoteIdentifier(name) }
}

/// The names of the event store's tables.
public struct TableNames: Sendable, Hashable {
    /// The events.
    public var events: TableName
    /// The version of each aggregate.
    public var aggregateHeads: TableName
    /// The checkpoint and owner of each consumer's segments.
    public var consumerSegments: TableName
    /// The workers that are alive.
    public var consumerWorkers: TableName
    /// The schema of Godwit's own tables.
    public let godwitSchema: String
    /// Which columns of the events table hold what; `nil` where it has Godwit's own shape.
    package var columns: SourceColumns?

    /// The names that the Go library pupsourcing/core uses, in the schema `public`, and the schema `godwit`.
    public init() {
        self.init(schema: "public", godwitSchema: "godwit")
    }

    /// The usual names in the schema, and Godwit's own tables in another.
    ///
    /// - Throws: `invalidTableName` if one of the schemas is no identifier.
    public init(inSchema schema: String, godwitSchema: String = "godwit") throws(EventStoreError) {
        for name in [schema, godwitSchema] where !TableName.isIdentifier(name) {
            throw .invalidTableName(name, reason: "is not a valid schema name")
        }
        self.init(schema: schema, godwitSchema: godwitSchema)
    }

    private init(schema: String, godwitSchema: String) {
        events = TableName(schema: schema, name: "events")
        aggregateHeads = TableName(schema: schema, name: "aggregate_heads")
        consumerSegments = TableName(schema: schema, name: "consumer_segments")
        consumerWorkers = TableName(schema: schema, name: "consumer_workers")
        self.godwitSchema = godwitSchema
    }

    /// One of Godwit's own tables, for SQL.
    package func godwitTable(_ name: String) -> TableName {
        TableName(schema: godwitSchema, name: name)
    }
}

extension BoundStatement.StringInterpolation {
    /// Takes the name of a table with its schema, quoted.
    public mutating func appendInterpolation(_ table: TableName) {
        appendInterpolation(identifier: table.schema)
        appendLiteral(".")
        appendInterpolation(identifier: table.name)
    }
}
