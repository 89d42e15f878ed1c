extension KnownShape {
    /// By names that such columns usually have, and types that the fields can be read from.
    static func guess(_ survey: TableSurvey) -> KnownShape {
        var shape = KnownShape(name: "a table of another shape", origins: [:])
        var taken: Set<String> = []
        for (field, names) in usualNames {
            let column = names.lazy.compactMap { name in
                survey.columns.first {
                    normal($0.name) == normal(name) && $0.type.fits(field) && !taken.contains($0.name)
                }
            }.first
            guard let column else { continue }
            taken.insert(column.name)
            shape.origins[field] = .column(column.name)
        }
        let drawn = survey.columns.first { column in
            column.sequence != nil && column.type.fits(.globalPosition) && column.name != AdoptionPlan.column
        }
        shape.position = drawn?.name
        shape.order = [drawn?.name, column(shape.origins[.createdAt])].compactMap(\.self).prefix(1).map { $0 }
        shape.isOutbox = survey.table.name.lowercased().contains("outbox")
        return shape
    }

    private static func column(_ origin: SourceShape.Origin?) -> String? {
        if case .column(let name) = origin { name } else { nil }
    }

    private static func normal(_ name: String) -> String {
        name.lowercased().filter { $0 != "_" && $0 != " " && $0 != "-" }
    }

    /// The first that is there is taken, for the fields in this order.
    private static let usualNames: [(SourceShape.Field, [String])] = [
        (.aggregateType, ["aggregate_type", "stream_type", "entity_type", "aggregate_name", "category", "aggregate"]),
        (
            .aggregateID,
            [
                "aggregate_id", "aggregate_uuid", "stream_id", "entity_id", "originator_id", "message_key",
                "partition_key",
                "stream", "subject", "key",
            ]
        ),
        (.eventType, ["event_type", "message_type", "event_name", "type", "topic", "name", "kind"]),
        (.eventID, ["event_id", "event_uuid", "message_id", "uuid", "id"]),
        (
            .payload,
            ["payload", "event_payload", "event_data", "message_data", "data", "body", "content", "message", "value"]
        ),
        (.metadata, ["metadata", "event_metadata", "message_metadata", "headers", "meta"]),
        (
            .createdAt,
            [
                "created_at", "occurred_at", "occurred_on", "event_time", "inserted_at", "timestamp", "created",
                "recorded_at",
                "time",
            ]
        ),
        (.boundedContext, ["bounded_context", "context"]),
        (
            .aggregateVersion,
            ["aggregate_version", "stream_version", "stream_position", "sequence_number", "version", "revision"]
        ),
        (.eventVersion, ["event_version", "schema_version", "message_version"]),
        (.traceID, ["trace_id", "traceparent"]), (.correlationID, ["correlation_id"]), (.causationID, ["causation_id"]),
    ]
}
