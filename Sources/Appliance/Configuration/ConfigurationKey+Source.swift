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
                "What the rows are: `event_store`, kept for ever; `outbox`, of no use once they are delivered."),
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
                "created_at", "When it happened: `timestamptz`; `timestamp` and `date` are taken as UTC."),
        ]

    private static func column(_ field: String, _ meaning: String) -> ConfigurationKey {
        .init("source.columns.\(field)", .column, meaning)
    }
}
