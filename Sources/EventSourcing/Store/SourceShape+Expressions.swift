import Postgres

/// The fields as SQL expressions over the table's row.
extension SourceShape {
    /// The field for conditions and comparisons, in its usual type; payload and metadata in their own.
    package func expression(_ field: Field) -> String {
        guard isMapped else { return quoteIdentifier(field.alias) }
        return switch origins[field.rawValue] {
        case .column(let name): converted(quoteIdentifier(name), field)
        case .constant(let text): quoteLiteral(text) + "::\(field.sqlType)"
        // A name that no event has: contexts are compared, and are part of what an aggregate is called.
        case .absent: field == .boundedContext ? "''::text" : "NULL::\(field.sqlType)"
        }
    }

    /// All fields in order, as a SELECT list whose columns are named by the field. A field can be given by another
    /// expression.
    package func columns(_ replaced: [Field: String] = [:]) -> String {
        Field.allCases.map { field in
            "\(replaced[field] ?? selected(field)) AS \(field.alias)"
        }.joined(separator: ", ")
    }

    /// The field in a SELECT list: a time in its own type, of which the result says what it is.
    private func selected(_ field: Field) -> String {
        if isMapped, field == .createdAt, timeUnit == nil, let name = column(.createdAt) {
            return quoteIdentifier(name)
        }
        return expression(field)
    }

    private func converted(_ column: String, _ field: Field) -> String {
        switch field {
        case .globalPosition, .aggregateVersion: return "(\(column))::bigint"
        case .eventVersion:
            if case .integer(let bytes) = types[field], bytes <= 4 { return "(\(column))::integer" }
            // What does not fit must not end the query.
            return "CASE WHEN (\(column)) BETWEEN -2147483648 AND 2147483647 THEN (\(column))::integer END"
        case .eventID: return eventID(column)
        case .payload, .metadata: return column
        case .createdAt:
            if let timeUnit { return Self.time(column, in: timeUnit) }
            if types[field] == .timestamptz { return column }
            // Its seconds as if it were in UTC, where it has no zone; whatever the session's zone is.
            return "pg_catalog.to_timestamp(extract(epoch FROM \(column))::float8)"
        case .boundedContext: return "coalesce((\(column))::text, '')"
        case .aggregateType, .aggregateID, .eventType, .traceID, .correlationID, .causationID:
            return "(\(column))::text"
        }
    }

    /// A number as a time; `NULL` outside of the years 1 to 9999, since what no time can be must not end the query.
    private static func time(_ column: String, in unit: TimeUnit) -> String {
        let (first, last) = (-62_135_596_800 * unit.perSecond, 253_402_300_799 * unit.perSecond)
        return "CASE WHEN (\(column)) BETWEEN \(first) AND \(last) "
            + "THEN pg_catalog.to_timestamp((\(column))::float8 / \(unit.perSecond)) END"
    }

    // MARK: Event ids

    /// A column of another type than `uuid`: a text that is written as one is that one; any other value has a name-based one
    /// of RFC 9562's version 8, made of SHA-256 over the table's name and the value, always the same.
    private func eventID(_ column: String) -> String {
        if types[.eventID] == .uuid { return column }
        let text = "(\(column))::text"
        let derived = Self.nameBased("\(quoteLiteral(table.text + "/")) || \(text)")
        if case .integer = types[.eventID] { return derived }
        let isUUID = "\(text) ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'"
        return "CASE WHEN \(isUUID) THEN \(text)::uuid ELSE \(derived) END"
    }

    /// Version and variant are set in the hash's bytes 6 and 8; `NULL` of NULL.
    private static func nameBased(_ name: String) -> String {
        let hash = "pg_catalog.sha256(convert_to(\(name), 'UTF8'))"
        let versioned = "set_byte(\(hash), 6, get_byte(\(hash), 6) & 15 | 128)"
        return "encode(substr(set_byte(\(versioned), 8, get_byte(\(hash), 8) & 63 | 128), 1, 16), 'hex')::uuid"
    }

    // MARK: Sizes

    /// How many bytes a payload takes in a record, without fetching it where its type allows.
    ///
    /// - Parameter value: the payload in its own type.
    func payloadSize(_ value: String) -> String {
        isMapped ? size(value, types[.payload]) : "octet_length(\(value))"
    }

    /// How many bytes metadata takes, about.
    ///
    /// - Parameter value: the metadata in its own type.
    func metadataSize(_ value: String) -> String {
        isMapped && column(.metadata) != nil ? size(value, types[.metadata]) : Self.size(ofJSONB: value)
    }

    /// Whether the payload's length is that of the value as it is stored.
    var hasPlainPayload: Bool { !isMapped || types[.payload] == .bytea || types[.payload] == .text }

    private func size(_ value: String, _ type: ColumnType?) -> String {
        switch type {
        case .bytea, .text: "octet_length(\(value))"
        case nil:
            // A `bytea` as text is twice as long, behind `\x`.
            """
            CASE WHEN pg_typeof(\(value)) = 'bytea'::regtype THEN (octet_length((\(value))::text) - 2) / 2 \
            ELSE octet_length((\(value))::text) END
            """
        default: "octet_length((\(value))::text)"
        }
    }

    /// How many bytes a `jsonb` takes once it is no longer compressed, about as many as its text. To delete nothing from it
    /// gives it uncompressed, without making its text.
    private static func size(ofJSONB value: String) -> String {
        // Nothing can be deleted from a scalar.
        "CASE WHEN jsonb_typeof(\(value)) IN ('object', 'array') THEN pg_column_size(\(value) #- '{}') "
            + "ELSE octet_length(\(value)::text) END"
    }

    /// A small value in the payload's place, of whatever type that is.
    var emptyPayload: String { isMapped ? "'{}'" : "''::bytea" }
}
