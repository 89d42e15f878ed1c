extension ConfigurationKey {
    /// The table of events, where it is not Godwit's own.
    static let source: [ConfigurationKey] =
        [
            .init(
                "source.table", .text,
                "The table that the events are in, as `table` or `schema.table`, in double quotes what holds other characters: "
                    + "instead of `database.tables.events`."),
            .init(
                "source.kind", .choice(["event_store", "outbox"]), default: "event_store",
                "What the events table is for. `event_store`: services load their state from it, and nothing is ever removed; "
                    + "`outbox`: rows are there to be delivered, and may be removed afterwards."),
        ]
        + [
            column("position", "The position, a `bigint` that each INSERT draws from a sequence."),
            column(
                "event_id",
                "The event's identity: `uuid`; of any other text or number a `uuid` is made that is always the same."),
            column("bounded_context", "The bounded context."), column("aggregate_type", "The aggregate's type."),
            column("aggregate_id", "The aggregate's identity, by which order is kept."),
            column("aggregate_version", "The place among the aggregate's events."),
            column("event_type", "The event's type."),
            column("event_version", "The version of the event type's schema."),
            column("payload", "The content: `bytea`, text, `json` or `jsonb`."), column("trace_id", "The trace."),
            column("correlation_id", "The business process."), column("causation_id", "What caused the event."),
            column("metadata", "JSON beside the payload: `jsonb`, `json`, text or `bytea`."),
            column(
                "created_at",
                "When it happened: `timestamptz`; `timestamp` and `date` are taken as UTC; of a number since 1970 "
                    + "`{ column: name, unit: milliseconds }`, or seconds, or microseconds."),
        ] + retention

    /// Named sources: what `source` takes, and what `database` takes where it is another one.
    static let sources: [ConfigurationKey] =
        source.map { key in
            .init(
                "sources.*.\(key.path.dropFirst("source.".count))", key.kind, default: key.defaultText, key.meaning)
        }
        + database.map { key in
            .init(
                "sources.*.\(key.path)", key.kind,
                "Instead of `\(key.path)`, for this source.")
        }

    private static let retention: [ConfigurationKey] = [
        .init(
            "source.retention.delivered_for", .duration(.seconds(1)...(.seconds(10 * 366 * 86_400))),
            "Of an outbox: how long rows stay once every consumer has delivered them, `7d`; then relays and `godwit prune` remove "
                + "them. Not given, nothing is removed."),
        .init(
            "source.retention.rate", .integer(1...10_000_000), default: "5000",
            "How many rows a second are removed at most."),
        .init(
            "source.retention.interval", .duration(.milliseconds(100)...(.seconds(86_400))), default: "60s",
            "How often a relay looks for what can be removed; one process at a time does."),
        .init(
            "source.retention.dead_letters_for", .duration(.zero...(.seconds(10 * 366 * 86_400))), default: "90d",
            "How long the record of a dead letter stays that was redriven, or discarded and whose event was removed; `0s` is for "
                + "ever."),
        .init(
            "source.retention.audit_log_for", .duration(.zero...(.seconds(10 * 366 * 86_400))), default: "365d",
            "How long entries of the audit log stay; `0s` is for ever."),
        .init(
            "source.retention.jobs_for", .duration(.zero...(.seconds(10 * 366 * 86_400))), default: "90d",
            "How long republish jobs stay that are done or were cancelled; `0s` is for ever."),
    ]

    private static func column(_ field: String, _ meaning: String) -> ConfigurationKey {
        .init("source.columns.\(field)", .column, meaning)
    }
}
