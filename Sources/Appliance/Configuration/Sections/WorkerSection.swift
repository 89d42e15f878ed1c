/// `worker`: how the process works, and the defaults of its consumers.
package struct WorkerSection: Sendable {
    static let leastBytesInFlight = 1 << 16

    package var totalSegments: Int
    package var batchSize: Int
    package var pollInterval: Duration
    package var dispatcher: Bool
    package var maximumPollInterval: Duration
    package var bytesInFlight: Int
    package var maxPostBatchPause: Duration
    package var wakeupJitter: Duration
    package var heartbeatInterval: Duration
    package var staleThreshold: Duration
    package var rebalanceInterval: Duration
    package var haltRetryInterval: Duration
    package var shutdownTimeout: Duration

    init(_ values: inout ConfigurationValues) {
        totalSegments = values.integer("worker.total_segments")
        batchSize = values.integer("worker.batch_size")
        pollInterval = values.duration("worker.poll_interval")
        dispatcher = values.boolean("worker.dispatcher")
        maximumPollInterval = max(pollInterval, values.duration("worker.max_poll_interval"))
        bytesInFlight = values.size("worker.bytes_in_flight")
        maxPostBatchPause = values.duration("worker.max_post_batch_pause")
        wakeupJitter = values.duration("worker.wakeup_jitter")
        heartbeatInterval = values.duration("worker.heartbeat_interval")
        staleThreshold = values.duration("worker.stale_threshold")
        rebalanceInterval = values.duration("worker.rebalance_interval")
        haltRetryInterval = values.duration("worker.halt_retry_interval")
        shutdownTimeout = values.duration("worker.shutdown_timeout")
        if values.isGiven("worker.max_poll_interval"), values.duration("worker.max_poll_interval") < pollInterval {
            values.problem(
                "worker.max_poll_interval",
                "must not be below \"worker.poll_interval\", which is \(DurationText.format(pollInterval))")
        }
        if !dispatcher, ["adaptive", "always"].contains(values.text("notify.mode")) {
            values.problem(
                "worker.dispatcher", "is false, and then nothing listens: leave \"notify.mode\" out, or set it to never"
            )
        }
        // One late heartbeat must not cost a live worker its segments.
        if staleThreshold < heartbeatInterval * 3 {
            let least = DurationText.format(heartbeatInterval * 3)
            values.problem(
                "worker.stale_threshold",
                "must be at least three times \"worker.heartbeat_interval\", which is \(least)")
        }
    }
}

/// `jobs`: whether this process runs jobs that were handed to relays.
package struct JobsSection: Sendable {
    package var isRunning: Bool

    init(_ values: inout ConfigurationValues) {
        isRunning = values.boolean("jobs.run")
    }
}

/// `horizon`: what is done about transactions that hold events back.
package struct HorizonSection: Sendable {
    /// A session that holds events back is ended once it has been idle in its transaction for so long; never, if `nil`.
    package var endIdleWritersAfter: Duration?

    init(_ values: inout ConfigurationValues) {
        endIdleWritersAfter =
            values.isGiven("horizon.end_idle_writers_after") ? values.duration("horizon.end_idle_writers_after") : nil
    }
}
