/// One consumer below `consumers`: which events go where.
package struct ConsumerSection: Sendable {
    package var name: String
    /// Empty is all.
    package var boundedContexts: [String]
    /// Empty is all.
    package var aggregateTypes: [String]
    package var topic: String
    /// Empty is any.
    package var topicsAllowed: [String]
    package var format: String
    package var delivery: String
    package var onPoison: String
    package var totalSegments: Int
    package var batchSize: Int

    init(_ name: String, _ values: inout ConfigurationValues) {
        func path(_ key: String) -> ConfigurationPath { ConfigurationPath(["consumers", name, key]) }
        self.name = name
        boundedContexts = values.list(path("bounded_contexts"))
        aggregateTypes = values.list(path("aggregate_types"))
        topic = values.text(path("topic"))
        topicsAllowed = values.list(path("topics_allowed"))
        format = values.text(path("format"))
        delivery = values.text(path("delivery"))
        onPoison = values.text(path("on_poison"))
        totalSegments = values.integer(path("total_segments"), orElse: "worker.total_segments")
        batchSize = values.integer(path("batch_size"), orElse: "worker.batch_size")
    }
}
