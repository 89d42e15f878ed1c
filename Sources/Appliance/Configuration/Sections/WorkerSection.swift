/// `worker`: how the process works, and the defaults of its consumers.
package struct WorkerSection: Sendable {
    package var totalSegments: Int
    package var batchSize: Int
    package var pollInterval: Duration
    package var maxPollInterval: Duration
    package var pollBackoffFactor: Double
    package var maxPostBatchPause: Duration
    package var heartbeatInterval: Duration
    package var staleThreshold: Duration
    package var rebalanceInterval: Duration
    package var shutdownTimeout: Duration

    init(_ values: inout ConfigurationValues) {
        totalSegments = values.integer("worker.total_segments")
        batchSize = values.integer("worker.batch_size")
        pollInterval = values.duration("worker.poll_interval")
        maxPollInterval = values.duration("worker.max_poll_interval")
        pollBackoffFactor = values.decimal("worker.poll_backoff_factor")
        maxPostBatchPause = values.duration("worker.max_post_batch_pause")
        heartbeatInterval = values.duration("worker.heartbeat_interval")
        staleThreshold = values.duration("worker.stale_threshold")
        rebalanceInterval = values.duration("worker.rebalance_interval")
        shutdownTimeout = values.duration("worker.shutdown_timeout")

        if maxPollInterval < pollInterval {
            values.problem(
                "worker.max_poll_interval", "is shorter than \"worker.poll_interval\"; make it as long at least")
        }
        // One lost heartbeat must not make a live worker stale.
        if staleThreshold < heartbeatInterval * 2 {
            values.problem("worker.stale_threshold", "must be at least twice \"worker.heartbeat_interval\"")
        }
    }
}
