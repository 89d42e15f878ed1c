package import EventSourcing

/// How a worker and its consumers stand, without asking the database.
package struct WorkerSnapshot: Sendable {
    package struct Consumer: Sendable {
        package let name: String
        package let scope: EventScope
        package let totalSegments: Int
        /// Events processed since the start of the process.
        package let done: Int
        /// How many segments are this worker's fair share; `nil` before it has seen the others.
        package let share: Int?
        package let own: ConsumerProgress
        /// The owners of all segments, as of the last look at them.
        package let owners: [Int: String]

        /// Whether the worker does what is its to do: it owns segments, or none is left for it.
        package var isReady: Bool { !own.segments.isEmpty || share == 0 }
    }

    package let isConnected: Bool
    /// Whether the segments may be relied on: the last heartbeat is young enough.
    package let holdsLease: Bool
    package let isStopping: Bool
    package let horizon: HorizonStatus
    package let consumers: [Consumer]

    package var isReady: Bool { isConnected && holdsLease && !isStopping && horizon.problem == nil && consumers.allSatisfy(\.isReady) }
}
