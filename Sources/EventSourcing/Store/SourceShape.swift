package import Postgres

/// Where each of an event's fields comes from: a column of a table, a constant, or nowhere. All SQL over events is made
/// from this one value.
package struct SourceShape: Sendable, Hashable {
    /// A field of an event, in the order of ``EventBatch``'s columns.
    package enum Field: Int, Sendable, CaseIterable {
        case globalPosition, boundedContext, aggregateType, aggregateID, aggregateVersion, eventID, eventType,
            eventVersion, payload, traceID, correlationID, causationID, metadata, createdAt
    }

    /// Where a field comes from.
    package enum Origin: Sendable, Hashable {
        /// A column, by its name.
        case column(String)
        /// The same text for each event.
        case constant(String)
        /// Nothing: the field is NULL.
        case absent
    }

    /// The table or partitioned table that holds the events.
    package let table: TableName
    /// The column of positions, which each INSERT draws from one sequence.
    package let position: String
    private let origins: [Origin]

    /// The shape of Godwit's own events table, and pupsourcing/core's.
    package init(_ table: TableName) {
        self.table = table
        position = "global_position"
        origins = Self.columnNames.map { .column($0) }
    }

    private static let columnNames = [
        "global_position", "bounded_context", "aggregate_type", "aggregate_id", "aggregate_version", "event_id",
        "event_type", "event_version", "payload", "trace_id", "correlation_id", "causation_id", "metadata",
        "created_at",
    ]

    /// The field as an SQL expression over the table's row.
    package func expression(_ field: Field) -> String {
        switch origins[field.rawValue] {
        case .column(let name): quoteIdentifier(name)
        case .constant(let text): quoteLiteral(text) + "::\(field.sqlType)"
        case .absent: "NULL::\(field.sqlType)"
        }
    }

    /// All fields in order, as a SELECT list whose columns are named by the field. A field can be given by another
    /// expression.
    package func columns(_ replaced: [Field: String] = [:]) -> String {
        Field.allCases.map { field in
            "\(replaced[field] ?? expression(field)) AS \(field.alias)"
        }.joined(separator: ", ")
    }
}

extension SourceShape.Field {
    /// The column of a SELECT list over the shape that holds the field.
    package var alias: String {
        switch self {
        case .globalPosition: "global_position"
        case .boundedContext: "bounded_context"
        case .aggregateType: "aggregate_type"
        case .aggregateID: "aggregate_id"
        case .aggregateVersion: "aggregate_version"
        case .eventID: "event_id"
        case .eventType: "event_type"
        case .eventVersion: "event_version"
        case .payload: "payload"
        case .traceID: "trace_id"
        case .correlationID: "correlation_id"
        case .causationID: "causation_id"
        case .metadata: "metadata"
        case .createdAt: "created_at"
        }
    }

    fileprivate var sqlType: String {
        switch self {
        case .globalPosition, .aggregateVersion: "bigint"
        case .eventVersion: "integer"
        case .eventID: "uuid"
        case .payload: "bytea"
        case .metadata: "jsonb"
        case .createdAt: "timestamptz"
        default: "text"
        }
    }
}

extension TableNames {
    /// The events of these tables as a source.
    package var source: SourceShape { SourceShape(events) }
}
