package import Consumers
package import EventSourcing
package import Kafka
package import KafkaBridge

/// One consumer below `consumers`: which events go where.
package struct ConsumerSection: Sendable {
    package var name: String
    /// Empty is all.
    package var boundedContexts: [String]
    /// Empty is all.
    package var aggregateTypes: [String]
    package var filter: EventFilter
    /// Nil only where the configuration is refused.
    package var topic: TopicTemplate?
    /// Other topics for some event types.
    package var topics: [String: TopicTemplate]
    package var topicsAllowed: TopicAllowlist
    package var topicSettings: TopicSettingsSection
    package var key: RecordKey
    package var headerPrefix: String
    /// Names the partition of each event; nil where its key decides.
    package var partition: TextTemplate?
    package var partitioner: Partitioner
    package var headers: StandardHeaders
    /// Other names of standard headers, by their columns.
    package var renamedHeaders: [String: String]
    package var metadataHeaders: [String]
    /// Whether all members of the metadata become headers.
    package var takesAllMetadata: Bool
    package var addedHeaders: [AddedHeaders.Header]
    package var traceHeaders: TraceHeaders
    package var projection: ValueProjection?
    package var tombstones: Tombstones
    package var format: RecordFormat
    package var start: StartPosition
    package var delivery: Delivery
    package var onPoison: PoisonPolicy
    package var totalSegments: Int
    package var batchSize: Int

    init(_ name: String, _ values: inout ConfigurationValues) {
        func path(_ key: String) -> ConfigurationPath { ConfigurationPath(["consumers", name, key]) }
        self.name = name
        boundedContexts = values.list(path("bounded_contexts"))
        aggregateTypes = values.list(path("aggregate_types"))
        filter = Self.filter(path, &values)
        topic = Self.topic(path("topic"), &values)
        topicsAllowed = TopicAllowlist(values.list(path("topics_allowed")))
        topicSettings = TopicSettingsSection(path("topic_settings"), &values, takesCounts: true)
        start = Self.start(path("start"), &values)
        topics = [:]
        for type in values.properties(path("topics")).keys {
            topics[type] = Self.topic(ConfigurationPath(path("topics").words + [type]), &values)
        }
        key = Self.key(path("key"), &values)
        partition = Self.partition(path("partition"), &values)
        partitioner = Partitioner(rawValue: values.text(path("partitioner"))) ?? .murmur2
        headerPrefix = Self.headerPrefix(path("header_prefix"), &values)
        format = Self.format(path, &values)
        traceHeaders = Self.traceHeaders(path("trace_headers"), &values)
        let chosen = Self.headers(path("headers"), prefix: headerPrefix, format, &values)
        (headers, renamedHeaders) = (chosen.standard, chosen.renamed)
        var others = HeaderSettings(
            prefix: headerPrefix, format, renamed: renamedHeaders, traceHeaders, at: path("headers"), &values)
        others.take(chosen.own, at: path("headers"), &values)
        others.takeMetadata(at: path("metadata_headers"), &values)
        (metadataHeaders, takesAllMetadata, addedHeaders) = (others.members, others.takesAll, others.added)
        projection = Self.projection(path, &values)
        tombstones = Self.tombstones(path, &values)
        delivery = Self.delivery(path, name, &values)
        onPoison = Self.onPoison(path, &values)
        if format != .payload, !headerPrefix.isEmpty {
            values.problem(
                path("header_prefix"), .headerPrefixUnused,
                "names no attribute of CloudEvents; it is used for the headers of dead letters alone")
        }
        totalSegments = values.integer(path("total_segments"), orElse: "worker.total_segments")
        batchSize = values.integer(path("batch_size"), orElse: "worker.batch_size")
        checkRevealed(path, &values)
        checkTombstones(path, &values)
    }

    /// What is promised of each event.
    package enum Delivery: Sendable, Hashable {
        case atLeastOnce
        /// - Parameter progressTopic: where transactions record how far they come.
        case exactlyOnce(progressTopic: TopicName)

        /// As the configuration has it.
        var name: String {
            switch self {
            case .atLeastOnce: "at_least_once"
            case .exactlyOnce: "exactly_once"
            }
        }
    }

    private static func delivery(
        _ path: (String) -> ConfigurationPath, _ name: String, _ values: inout ConfigurationValues
    ) -> Delivery {
        let place = path("progress_topic")
        guard values.text(path("delivery")) == "exactly_once" else {
            if values.isGiven(place) { values.problem(place, .conflict, "needs \"delivery\" to be exactly_once") }
            return .atLeastOnce
        }
        let text = values.optionalText(place) ?? "godwit.progress.\(name)"
        guard let topic = try? TopicName(sanitizing: text), !values.isGiven(place) || topic.description == text else {
            values.problem(
                place, .progressTopic,
                "is \"\(text)\", which is no topic's name: use letters, digits, `.`, `_` and `-`, at most 249")
            return .atLeastOnce
        }
        return .exactlyOnce(progressTopic: topic)
    }

    private static func headerPrefix(_ path: ConfigurationPath, _ values: inout ConfigurationValues) -> String {
        guard let prefix = values.optionalText(path) else { return "" }
        if !isHeaderText(prefix) {
            values.problem(
                path, .header, "is no part of a header's name: at most 128 bytes, without control characters")
        } else if prefix.lowercased().hasPrefix("dead_letter_") {
            values.problem(
                path, .header, "begins with dead_letter_, by which readers know dead letters; choose another prefix")
        } else if prefix.lowercased().hasPrefix("ce_") {
            values.problem(path, .header, "begins with ce_, by which readers know CloudEvents; choose another prefix")
        } else {
            return prefix
        }
        return ""
    }

    private static func isHeaderText(_ text: String) -> Bool {
        text.utf8.count <= 128 && !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
    }

    private static func topic(_ path: ConfigurationPath, _ values: inout ConfigurationValues) -> TopicTemplate? {
        guard let text = values.content(path).flatMap({ if case .scalar(let text) = $0 { text } else { nil } }) else {
            values.missing(path)
            return nil
        }
        do throws(TopicTemplateError) {
            return try TopicTemplate(text)
        } catch {
            values.problem(path, .topic, "cannot be used: \(error)")
            return nil
        }
    }

    private static func start(_ path: ConfigurationPath, _ values: inout ConfigurationValues) -> StartPosition {
        let text = values.text(path)
        switch text {
        case "beginning": return .beginning
        case "now": return .now
        default:
            if let position = Int64(text), position >= 0 { return .after(position) }
            values.problem(path, "is \"\(text)\", but must be beginning, now, or a position from 0")
            return .beginning
        }
    }

    private static func format(
        _ path: (String) -> ConfigurationPath, _ values: inout ConfigurationValues
    ) -> RecordFormat {
        let format = values.text(path("format"))
        guard format != "payload" else {
            for key in ["cloudevents_source", "cloudevents_content_type"] where values.isGiven(path(key)) {
                values.problem(path(key), "needs \"format\" to be cloudevents_binary or cloudevents_structured")
            }
            return .payload
        }
        guard let source = values.optionalText(path("cloudevents_source")) else {
            values.problem(
                path("format"),
                "is \(format), which needs \"cloudevents_source\" too, for example /shop/{bounded_context}")
            // What else is wrong in this format is to be found too.
            guard let any = try? TextTemplate("/") else { return .payload }
            let events = RecordFormat.CloudEvents(source: any)
            return format == "cloudevents_binary" ? .cloudEventsBinary(events) : .cloudEventsStructured(events)
        }
        do throws(TextTemplateError) {
            let events = RecordFormat.CloudEvents(
                source: try TextTemplate(source), contentType: values.text(path("cloudevents_content_type")))
            if events.contentType.lowercased().hasPrefix("application/cloudevents") {
                values.problem(
                    path("cloudevents_content_type"),
                    "is \(events.contentType), by which readers know whole events in structured mode; it is the type of the "
                        + "payloads, for example application/json")
            }
            return format == "cloudevents_binary" ? .cloudEventsBinary(events) : .cloudEventsStructured(events)
        } catch {
            values.problem(path("cloudevents_source"), "cannot be used: \(error)")
            return .payload
        }
    }
}
