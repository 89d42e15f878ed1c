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
    package var pollInterval: Duration
    package var maxPollInterval: Duration
    package var maxPostBatchPause: Duration

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
        pollInterval = values.duration(path("poll_interval"), orElse: "worker.poll_interval")
        maxPollInterval = values.duration(path("max_poll_interval"), orElse: "worker.max_poll_interval")
        maxPostBatchPause = values.duration(path("max_post_batch_pause"), orElse: "worker.max_post_batch_pause")

        let ownPoll = values.isGiven(path("poll_interval")) || values.isGiven(path("max_poll_interval"))
        if ownPoll, maxPollInterval < pollInterval {
            values.problem(path("max_poll_interval"), "is shorter than the poll interval; make it as long at least")
        }
    }
}
