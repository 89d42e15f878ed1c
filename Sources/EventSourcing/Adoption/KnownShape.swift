/// How events are laid out in a table, recognised by its columns. Pure.
package struct KnownShape: Sendable, Hashable {
    /// Whose table it is, in words.
    package var name: String
    package var origins: [SourceShape.Field: SourceShape.Origin]
    package var isOutbox = false
    /// A column of positions that the table has already.
    package var position: String?
    /// Whether the project's own INSERTs are known to draw that position themselves, in their own transaction.
    package var drawsPosition = false
    /// The columns that old rows are ordered by, before the key.
    package var order: [String] = []
    /// What is to be known of such a table.
    package var notes: [String] = []

    /// Whether it is Godwit's own shape.
    package var isOwn = false

    /// What no column was found for, and no constant does for.
    package var missing: [SourceShape.Field] {
        SourceShape.Field.allCases.filter {
            $0 != .globalPosition && $0.isRequired && (origins[$0] ?? .absent) == .absent
        }
    }

    /// Looks at the columns; a guess by names and types where none is known.
    package static func recognise(_ survey: TableSurvey) -> KnownShape {
        let known = [own, pupsourcingStore, marten, emmett, railsEventStore, eventsourcing, debezium]
        return known.lazy.compactMap { $0(survey) }.first ?? guess(survey)
    }

    private static func has(_ survey: TableSurvey, _ names: String...) -> Bool {
        names.allSatisfy { survey[$0] != nil }
    }

    private static var aliases: [SourceShape.Field: SourceShape.Origin] {
        SourceShape.Field.allCases.reduce(into: [:]) { $0[$1] = .column($1.alias) }
    }

    // MARK: Projects

    private static func own(_ survey: TableSurvey) -> KnownShape? {
        let isOwn = SourceShape.Field.allCases.allSatisfy { survey[$0.alias]?.type.isOwn(of: $0) ?? false }
        guard isOwn else { return nil }
        var shape = KnownShape(name: "Godwit's own shape, and pupsourcing/core's", origins: aliases)
        (shape.position, shape.drawsPosition, shape.isOwn) = ("global_position", true, true)
        return shape
    }

    private static func pupsourcingStore(_ survey: TableSurvey) -> KnownShape? {
        let others = SourceShape.Field.allCases.filter { $0 != .boundedContext }
        guard survey["bounded_context"] == nil, others.allSatisfy({ survey[$0.alias]?.type.fits($0) ?? false }) else {
            return nil
        }
        var shape = KnownShape(name: "pupsourcing/store", origins: aliases)
        shape.origins[.boundedContext] = nil
        (shape.position, shape.drawsPosition, shape.order) = ("global_position", true, ["global_position"])
        return shape
    }

    private static func marten(_ survey: TableSurvey) -> KnownShape? {
        guard has(survey, "seq_id", "id", "stream_id", "version", "data", "type", "mt_dotnet_type") else { return nil }
        var shape = KnownShape(
            name: "Marten",
            origins: [
                .eventID: .column("id"), .aggregateType: .constant(survey.table.name),
                .aggregateID: .column("stream_id"),
                .aggregateVersion: .column("version"), .eventType: .column("type"), .payload: .column("data"),
                .createdAt: .column("timestamp"),
            ])
        for (field, name) in [
            (SourceShape.Field.metadata, "headers"), (.correlationID, "correlation_id"), (.causationID, "causation_id"),
        ] where survey[name] != nil {
            shape.origins[field] = .column(name)
        }
        (shape.position, shape.order) = ("seq_id", ["seq_id"])
        shape.notes = [
            "Marten draws seq_id before it inserts, in some modes in another transaction: no reader by seq_id can know which "
                + "events are still to come, Marten's own waits for a while and skips. A position that each INSERT draws itself "
                + "has no such gap.",
            "Marten may report the new column when it compares its schema: apply its changes with AutoCreate.CreateOrUpdate or "
                + "less, which leave it alone.",
        ]
        return shape
    }

    private static func emmett(_ survey: TableSurvey) -> KnownShape? {
        guard has(survey, "stream_id", "stream_position", "message_kind", "message_data", "message_type", "message_id")
        else {
            return nil
        }
        var shape = KnownShape(
            name: "Emmett",
            origins: [
                .eventID: .column("message_id"), .aggregateType: .constant(survey.table.name),
                .aggregateID: .column("stream_id"), .aggregateVersion: .column("stream_position"),
                .eventType: .column("message_type"), .payload: .column("message_data"),
                .metadata: .column("message_metadata"), .createdAt: .column("created"),
            ])
        (shape.position, shape.order) = ("global_position", ["global_position"])
        shape.notes = ["Commands that are kept in the table (message_kind C) are delivered like events."]
        return shape
    }

    private static func railsEventStore(_ survey: TableSurvey) -> KnownShape? {
        guard has(survey, "id", "event_id", "event_type", "data", "metadata", "created_at"), survey["stream"] == nil,
            survey["aggregate_id"] == nil, case .integer = survey["id"]?.type
        else { return nil }
        var shape = KnownShape(
            name: "Rails Event Store",
            origins: [
                .eventID: .column("event_id"), .aggregateType: .constant("Event"), .aggregateID: .column("event_id"),
                .eventType: .column("event_type"), .payload: .column("data"), .metadata: .column("metadata"),
                .createdAt: .column("created_at"),
            ])
        (shape.position, shape.order) = ("id", ["id"])
        shape.notes = [
            "Streams are in a table of their own (event_store_events_in_streams), so that each event is an aggregate of its own "
                + "here: order is kept within a partition only where the record's key says so, for example key: "
                + "\"{metadata./correlation_id}\" with one segment."
        ]
        return shape
    }

    private static func eventsourcing(_ survey: TableSurvey) -> KnownShape? {
        guard has(survey, "originator_id", "originator_version", "topic", "state", "notification_id") else {
            return nil
        }
        let name = survey.table.name
        var shape = KnownShape(
            name: "Python's eventsourcing",
            origins: [
                .eventID: .column("notification_id"),
                .aggregateType: .constant(name.hasSuffix("_events") ? String(name.dropLast(7)) : name),
                .aggregateID: .column("originator_id"), .aggregateVersion: .column("originator_version"),
                .eventType: .column("topic"), .payload: .column("state"),
            ])
        (shape.position, shape.order) = ("notification_id", ["notification_id"])
        shape.notes = [
            "Events have no id of their own: one is made of the table's name and notification_id, always the same."
        ]
        return shape
    }

    private static func debezium(_ survey: TableSurvey) -> KnownShape? {
        guard has(survey, "id", "aggregatetype", "aggregateid", "type", "payload") else { return nil }
        var shape = guess(survey)
        shape.name = "Debezium's outbox"
        shape.origins.merge([
            .eventID: .column("id"), .aggregateType: .column("aggregatetype"), .aggregateID: .column("aggregateid"),
            .eventType: .column("type"), .payload: .column("payload"),
        ]) { $1 }
        shape.isOutbox = true
        shape.notes = [
            "If rows are deleted right after they are inserted, as is a habit with Debezium, nothing is left to read: see "
                + "--copy."
        ]
        return shape
    }
}
