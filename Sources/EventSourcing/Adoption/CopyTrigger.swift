package import Postgres

/// The trigger that copies each row of a table into Godwit's own events, in the same transaction: for tables whose rows are
/// deleted right after the insert, so that nothing is left there to read. Pure.
package struct CopyTrigger: Sendable {
    private let shape: SourceShape
    private let types: [String: ColumnType]
    private let tables: TableNames

    /// - Parameter tables: of Godwit's own shape, which the copies go into.
    /// - Throws: what no column was found for.
    package init(
        _ survey: TableSurvey, _ known: KnownShape, into tables: TableNames
    ) throws(SourceColumns.MissingFields) {
        var origins = known.origins
        // Never used: the copy draws its own position.
        origins[.globalPosition] = .column(survey.columns.first?.name ?? "")
        if (origins[.boundedContext] ?? .absent) == .absent { origins[.boundedContext] = .constant(survey.table.name) }
        shape = SourceShape(survey.table, try SourceColumns(origins))
        types = survey.columns.reduce(into: [:]) { $0[$1.name] = $1.type }
        self.tables = tables
    }

    /// Where the function is; it may be there already, and whether or not, only a role that may create schemas can say so.
    package var schema: String { "CREATE SCHEMA IF NOT EXISTS \(quoteIdentifier(tables.godwitSchema))" }

    /// The function, then the trigger.
    package var statements: [String] {
        let function = tables.godwitTable("copy_\(shape.table.name.prefix(40))")
        let (context, type, id) = (
            shape.expression(.boundedContext), shape.expression(.aggregateType), shape.expression(.aggregateID)
        )
        return [
            """
            CREATE OR REPLACE FUNCTION \(function.sql)() RETURNS trigger LANGUAGE plpgsql
            SECURITY DEFINER SET search_path = pg_catalog AS $godwit$
            DECLARE godwit_version bigint;
            BEGIN
                INSERT INTO \(tables.aggregateHeads.sql) AS heads (bounded_context, aggregate_type, aggregate_id, aggregate_version)
                SELECT \(context), \(type), \(id), 1 FROM (SELECT NEW.*) AS new_row
                ON CONFLICT (bounded_context, aggregate_type, aggregate_id)
                DO UPDATE SET aggregate_version = heads.aggregate_version + 1, updated_at = now()
                RETURNING heads.aggregate_version INTO godwit_version;
                INSERT INTO \(tables.events.sql) (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id,
                    event_type, event_version, payload, trace_id, correlation_id, causation_id, metadata, created_at)
                SELECT \(context), \(type), \(id), godwit_version, \(shape.expression(.eventID)), \(shape.expression(.eventType)),
                    coalesce(\(shape.expression(.eventVersion)), 1), \(payload), \(shape.expression(.traceID)),
                    \(shape.expression(.correlationID)), \(shape.expression(.causationID)), \(metadata),
                    coalesce(\(shape.expression(.createdAt)), now())
                FROM (SELECT NEW.*) AS new_row;
                RETURN NULL;
            END $godwit$
            """,
            "DROP TRIGGER IF EXISTS godwit_copy ON \(shape.table.sql)",
            """
            CREATE TRIGGER godwit_copy AFTER INSERT ON \(shape.table.sql)
                FOR EACH ROW EXECUTE FUNCTION \(function.sql)()
            """,
        ]
    }

    fileprivate var schemaExists: BoundStatement {
        BoundStatement(
            Statement("SELECT to_regnamespace(\(quoteLiteral(quoteIdentifier(tables.godwitSchema)))) IS NOT NULL"))
    }

    private var payload: String {
        let value = shape.expression(.payload)
        if let name = shape.column(.payload), types[name] == .bytea { return "coalesce(\(value), '')" }
        return "convert_to(coalesce((\(value))::text, ''), 'UTF8')"
    }

    /// A text may be no JSON, and must not fail the insert.
    private var metadata: String {
        guard let name = shape.column(.metadata) else { return "NULL::jsonb" }
        return switch types[name] {
        case .jsonb: shape.expression(.metadata)
        case .json, .text: "to_jsonb((\(shape.expression(.metadata)))::text)"
        default: "NULL::jsonb"
        }
    }
}

extension Adoption {
    /// Makes the trigger, under a lock that is waited for in short attempts.
    package static func apply(_ trigger: CopyTrigger, on connection: Connection) async throws(EventStoreError) {
        try await ShortLocks.withRetries(on: connection) { transaction throws(PostgresError) in
            let exists = try await transaction.query(trigger.schemaExists).first?.decode(0, as: Bool.self) ?? false
            for statement in (exists ? [] : [trigger.schema]) + trigger.statements {
                try await transaction.execute(script: statement)
            }
        }
    }
}
