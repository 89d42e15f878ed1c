/// `worker`: how the process works, and the defaults of its consumers.
package struct WorkerSection: Sendable {
    package var totalSegments: Int
    package var batchSize: Int
    package var pollInterval: Duration
    package var shutdownTimeout: Duration

    init(_ values: inout ConfigurationValues) {
        totalSegments = values.integer("worker.total_segments")
        batchSize = values.integer("worker.batch_size")
        pollInterval = values.duration("worker.poll_interval")
        shutdownTimeout = values.duration("worker.shutdown_timeout")
    }
}
