package import Consumers

/// Everything that may still need rows of a source, as of one moment. A pure value.
package struct RetentionFacts: Sendable, Equatable {
    /// A consumer that is known to read the source.
    package struct Consumer: Sendable, Equatable {
        package let name: String
        /// Of each of its segments that has a row.
        package var checkpoints: [Int64]
        /// How many segments it has; 0 before its first start.
        package var totalSegments: Int
        /// Before its first start: the position behind which it wants what is there; `nil` where it wants nothing of that.
        package var beginsAfter: Int64?

        package init(_ name: String, checkpoints: [Int64] = [], totalSegments: Int = 0, beginsAfter: Int64? = nil) {
            self.name = name
            self.checkpoints = checkpoints
            self.totalSegments = totalSegments
            self.beginsAfter = beginsAfter
        }
    }

    /// A job that has not ended for good.
    package struct Job: Sendable, Equatable {
        package let name: String
        package let state: String
        /// Everything up to here was published.
        package var checkpoint: Int64
        package let through: Int64

        package init(_ name: String, state: String, checkpoint: Int64, through: Int64) {
            self.name = name
            self.state = state
            self.checkpoint = checkpoint
            self.through = through
        }
    }

    /// What an audit of a consumer's delivery has come to.
    package struct Audit: Sendable, Equatable {
        package let consumer: String
        /// Everything up to here is audited.
        package var position: Int64
        /// Earlier positions that it looks for again.
        package var open: [Int64]

        package init(_ consumer: String, position: Int64, open: [Int64] = []) {
            self.consumer = consumer
            self.position = position
            self.open = open
        }
    }

    package var consumers: [Consumer]
    /// Positions of events that wait for a decision or a redrive, ascending: the first ones, where there are many.
    package var parked: [Int64]
    /// Behind this position there may be more of them; `nil` where all were read.
    package var parkedKnownThrough: Int64?
    package var jobs: [Job]
    package var audits: [Audit]
    /// Readers of the source that are recorded elsewhere.
    package var others: [OtherSchemas.Reader] = []

    package init(
        consumers: [Consumer] = [], parked: [Int64] = [], parkedKnownThrough: Int64? = nil, jobs: [Job] = [],
        audits: [Audit] = []
    ) {
        self.consumers = consumers
        self.parked = parked
        self.parkedKnownThrough = parkedKnownThrough
        self.jobs = jobs
        self.audits = audits
    }
}
