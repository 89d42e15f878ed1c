package import Consumers
package import KafkaBridge

/// One consumer below `consumers`: which events go where.
package struct ConsumerSection: Sendable {
    package var name: String
    /// Empty is all.
    package var boundedContexts: [String]
    /// Empty is all.
    package var aggregateTypes: [String]
    /// Nil only where the configuration is refused.
    package var topic: TopicTemplate?
    package var topicsAllowed: TopicAllowlist
    package var headerPrefix: String
    package var format: RecordFormat
    package var start: StartPosition
    package var delivery: String
    package var onPoison: String
    package var totalSegments: Int
    package var batchSize: Int

    init(_ name: String, _ values: inout ConfigurationValues) {
        func path(_ key: String) -> ConfigurationPath { ConfigurationPath(["consumers", name, key]) }
        self.name = name
        boundedContexts = values.list(path("bounded_contexts"))
        aggregateTypes = values.list(path("aggregate_types"))
        topic = Self.topic(path("topic"), &values)
        topicsAllowed = TopicAllowlist(values.list(path("topics_allowed")))
        start = Self.start(path("start"), &values)
        headerPrefix = values.optionalText(path("header_prefix")) ?? ""
        // The check is what is wanted: there is one format so far.
        _ = values.text(path("format"))
        format = .payload
        delivery = values.text(path("delivery"))
        onPoison = values.text(path("on_poison"))
        totalSegments = values.integer(path("total_segments"), orElse: "worker.total_segments")
        batchSize = values.integer(path("batch_size"), orElse: "worker.batch_size")
    }

    private static func topic(_ path: ConfigurationPath, _ values: inout ConfigurationValues) -> TopicTemplate? {
        guard let text = values.optionalText(path) else {
            values.missing(path)
            return nil
        }
        do throws(TopicTemplateError) {
            return try TopicTemplate(text)
        } catch {
            values.problem(path, "cannot be used: \(error)")
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
}
