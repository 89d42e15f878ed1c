import Postgres

/// Where each of an event's fields comes from: a column of a table, a constant, or nowhere. All SQL over events is made
/// from this one value.
///
/// Columns of a table that is not Godwit's own may have other types. The SQL is right whatever they are: texts are cast by
/// the server, and payload, metadata and time come in their own types, which each result names. So a type that is altered
/// while a statement is prepared cannot be misread. Types that are known only make the SQL cheaper.
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
        /// Nothing.
        case absent
    }

    /// What a number counts that is a time since 1970.
    package enum TimeUnit: String, Sendable, CaseIterable {
        case seconds, milliseconds, microseconds

        var perSecond: Int64 {
            switch self {
            case .seconds: 1
            case .milliseconds: 1_000
            case .microseconds: 1_000_000
            }
        }
    }

    /// The table or partitioned table that holds the events.
    package let table: TableName
    /// The column of positions, which each INSERT draws from one sequence.
    package let position: String
    /// Whether the columns were named; otherwise the table has Godwit's own shape.
    package let isMapped: Bool
    let origins: [Origin]
    /// Of the time, where it is a number.
    package let timeUnit: TimeUnit?
    /// What is known of the columns' types, by field.
    package private(set) var types: [Field: ColumnType] = [:]

    /// The shape of Godwit's own events table, and pupsourcing/core's.
    package init(_ table: TableName) {
        self.table = table
        position = "global_position"
        origins = Field.allCases.map { .column($0.alias) }
        isMapped = false
        timeUnit = nil
    }

    /// The shape of another table.
    package init(_ table: TableName, _ columns: SourceColumns) {
        self.table = table
        position = columns.position
        origins = Field.allCases.map { columns[$0] }
        isMapped = true
        timeUnit = columns.timeUnit
    }

    /// The shape with the types that the catalog shows.
    package func with(_ types: [Field: ColumnType]) -> SourceShape {
        var shape = self
        shape.types = types
        return shape
    }

    package func origin(of field: Field) -> Origin { origins[field.rawValue] }

    /// The column that a field comes from; `nil` where it comes from none.
    package func column(_ field: Field) -> String? {
        if case .column(let name) = origins[field.rawValue] { name } else { nil }
    }

    /// The fields that an event of this source may lack.
    package var optionalFields: Set<Field> {
        let own: Set<Field> = [.traceID, .correlationID, .causationID, .metadata]
        return isMapped ? own.union([.boundedContext, .aggregateVersion, .eventVersion, .createdAt]) : own
    }
}

extension SourceShape.Field {
    /// The column of a SELECT list over the shape that holds the field, and the key that names it in `source.columns`.
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

    /// What the field is called in `source.columns`.
    package var key: String { self == .globalPosition ? "position" : alias }

    /// Whether every event has the field.
    package var isRequired: Bool {
        switch self {
        case .globalPosition, .aggregateType, .aggregateID, .eventID, .eventType, .payload: true
        default: false
        }
    }

    /// Whether the same text for each event makes sense of it.
    package var takesConstant: Bool {
        switch self {
        case .boundedContext, .aggregateType, .eventType: true
        default: false
        }
    }

    var sqlType: String {
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
    package var source: SourceShape { columns.map { SourceShape(events, $0) } ?? SourceShape(events) }
}
