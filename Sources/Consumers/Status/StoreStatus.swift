package import EventSourcing

/// The state of all consumers of a store, in all processes, as the database has it.
package struct StoreStatus: Sendable {
    package struct Segment: Sendable, Hashable {
        package let id: Int
        package let owner: String?
        package let checkpoint: Int64
        package let lag: SegmentLag

        package init(id: Int, owner: String?, checkpoint: Int64, lag: SegmentLag) {
            self.id = id
            self.owner = owner
            self.checkpoint = checkpoint
            self.lag = lag
        }
    }

    package struct Worker: Sendable, Hashable {
        package let id: String
        /// How long ago it was heard of.
        package let lastHeartbeat: Duration
        /// Whether its session has ended, so that it will count as dead.
        package let isGone: Bool
        /// Whether it has stopped by its own terms, because no heartbeat was noted for too long.
        package let hasStopped: Bool
        package let condition: ConsumerCondition
        /// Whether it ends when it has done what was there at its start.
        package let isOneOff: Bool

        package init(
            id: String, lastHeartbeat: Duration, isGone: Bool = false, condition: ConsumerCondition = .flowing,
            isOneOff: Bool = false, hasStopped: Bool = false
        ) {
            self.id = id
            self.lastHeartbeat = lastHeartbeat
            self.isGone = isGone
            self.condition = condition
            self.isOneOff = isOneOff
            self.hasStopped = hasStopped
        }
    }

    package struct Order: Sendable, Hashable {
        package let control: ConsumerControl
        package let age: Duration
        package let actor: String

        package init(control: ConsumerControl, age: Duration, actor: String) {
            self.control = control
            self.age = age
            self.actor = actor
        }
    }

    package struct Consumer: Sendable {
        package let name: String
        /// In order; none before its first start.
        package let segments: [Segment]
        package var workers: [Worker]
        package let order: Order?
        /// Why nothing is read for it; `nil` if events are.
        package var problem: SourceProblem?
        /// Rows up to here had been removed by retention when it began, and it was to begin before.
        package var beganWithout: Int64?
        /// Rows that retention removed before the consumer had them; `nil` if none.
        package var missed: MissedRows?

        package init(
            name: String, segments: [Segment], workers: [Worker], order: Order?, problem: SourceProblem? = nil
        ) {
            self.problem = problem
            self.name = name
            self.segments = segments
            self.workers = workers
            self.order = order
        }

        /// What waits in all segments together; `nil` where there are none, since nobody knows before the consumer has started.
        package var lag: SegmentLag? { segments.isEmpty ? nil : SegmentLag(segments.map(\.lag)) }
    }

    /// The highest visible position.
    package let latest: Int64
    /// The last position drawn.
    package let lastDrawn: Int64
    /// The transactions that write to the events table at the moment.
    package var writers: [HorizonHold]
    package var consumers: [Consumer]
    /// What retention has removed; `nil` where nobody has looked what can be.
    package var pruned: PruningRecord?

    package init(latest: Int64, lastDrawn: Int64, writers: [HorizonHold], consumers: [Consumer]) {
        self.latest = latest
        self.lastDrawn = lastDrawn
        self.writers = writers
        self.consumers = consumers
    }
}
