/// What kind of type a column has, as far as it matters for reading events.
package enum ColumnType: Sendable, Hashable {
    case bytea, text, json, jsonb, uuid, integer(bytes: Int), enumeration, timestamptz, timestamp, date
    /// Any other, by its name.
    case other(String)

    /// - Parameters:
    ///   - id: the type's object id; of a domain, that of the type it is over.
    ///   - kind: `pg_type.typtype`.
    ///   - category: `pg_type.typcategory`.
    package init(id: UInt32, kind: String, category: String, name: String) {
        switch id {
        case 17: self = .bytea
        case 114: self = .json
        case 3802: self = .jsonb
        case 2950: self = .uuid
        case 21: self = .integer(bytes: 2)
        case 23: self = .integer(bytes: 4)
        case 20: self = .integer(bytes: 8)
        case 1184: self = .timestamptz
        case 1114: self = .timestamp
        case 1082: self = .date
        default: self = kind == "e" ? .enumeration : category == "S" ? .text : .other(name)
        }
    }

    /// The types in a sentence that a field can be read from.
    package static func accepted(for field: SourceShape.Field) -> String {
        switch field {
        case .globalPosition: "bigint or integer"
        case .aggregateVersion, .eventVersion: "smallint, integer or bigint"
        case .eventID: "uuid, text, varchar or an integer"
        case .payload, .metadata: "bytea, text, varchar, json or jsonb"
        case .createdAt: "timestamptz, timestamp or date"
        default: "text, varchar, char, uuid, an integer or an enum"
        }
    }

    /// Whether the field can be read from a column of the type.
    package func fits(_ field: SourceShape.Field) -> Bool {
        switch (field, self) {
        case (.globalPosition, .integer(let bytes)): bytes >= 4
        case (.aggregateVersion, .integer), (.eventVersion, .integer): true
        case (.globalPosition, _), (.aggregateVersion, _), (.eventVersion, _): false
        case (.eventID, .uuid), (.eventID, .text), (.eventID, .integer): true
        case (.eventID, _): false
        case (.payload, .bytea), (.payload, .text), (.payload, .json), (.payload, .jsonb): true
        case (.metadata, .bytea), (.metadata, .text), (.metadata, .json), (.metadata, .jsonb): true
        case (.payload, _), (.metadata, _): false
        case (.createdAt, .timestamptz), (.createdAt, .timestamp), (.createdAt, .date): true
        case (.createdAt, _): false
        case (_, .text), (_, .uuid), (_, .integer), (_, .enumeration): true
        default: false
        }
    }

    /// Whether it may be a time as a number.
    var isNumber: Bool {
        switch self {
        case .integer: true
        // By `format_type`, which gives a numeric's precision too.
        case .other(let name): name.hasPrefix("numeric") || name == "double precision"
        default: false
        }
    }

    /// Whether it is the type that the column has in Godwit's own shape.
    package func isOwn(of field: SourceShape.Field) -> Bool {
        switch field {
        case .globalPosition, .aggregateVersion: self == .integer(bytes: 8)
        case .eventVersion: self == .integer(bytes: 4)
        case .eventID: self == .uuid
        case .payload: self == .bytea
        case .metadata: self == .jsonb
        case .createdAt: self == .timestamptz
        default: self == .text
        }
    }
}
