/// What a comparison of the events committed with the records delivered has found.
package struct VerificationReport: Sendable, Equatable {
    /// One event, as an example.
    package struct Example: Sendable, Equatable {
        package let position: Int64
        package let eventID: String
    }

    /// Events of one kind: how many, and the first of them.
    package struct Finding: Sendable, Equatable {
        /// So many are shown.
        static let limit = 20

        package private(set) var count = 0
        package private(set) var examples: [Example] = []

        mutating func add(_ position: Int64, _ id: EventID) {
            count += 1
            if examples.count < Self.limit { examples.append(Example(position: position, eventID: id.text)) }
        }
    }

    package let consumer: String
    package let after: Int64
    package let through: Int64
    /// How many events each topic should have.
    package var topics: [SelectionCount.Topic] = []
    /// Whether the consumer has checkpoints; without, every event counts as due.
    package var hasCheckpoints = true

    package var committed = 0
    package var recordsRead = 0
    /// Records in the topics that name no event: of others, or from when the consumer's `headers` left out `event_id`. So many
    /// at least.
    package var unnamedRecords = 0
    /// Found in a topic, also only by a job.
    package var delivered = 0
    /// Of those, found only in records that a job published again: delivered late, behind later events perhaps.
    package var mended = 0
    /// Also found in records that a job published again.
    package var republished = 0
    package var missing = Finding()
    package var doubled = Finding()
    package var outOfOrder = Finding()
    /// Not found, and not due yet: behind the consumer's checkpoint.
    package var pending = Finding()
    /// Not found, and never to be delivered: before the consumer began, or outside of the scope that it had then.
    package var passedOver = Finding()
    /// Not found, and passed under a version that kept no record of starts and scopes: missing, or passed over.
    package var unrecorded = Finding()
    /// Not found, and parked until somebody decides.
    package var parked = Finding()
    /// Not found but in the consumer's dead-letter topic.
    package var deadLettered = Finding()
    /// Not found, and given up by somebody.
    package var discarded = Finding()
    /// Not found, where records are deleted by now, by retention or compaction.
    package var unknowable = Finding()

    package init(consumer: String, after: Int64, through: Int64) {
        self.consumer = consumer
        self.after = after
        self.through = through
    }

    /// Whether nothing is wrong; what is pending, set aside, discarded or cannot be known is not.
    package func isClean(allowingDoubles: Bool) -> Bool {
        missing.count == 0 && isCleanButForMissing(allowingDoubles: allowingDoubles)
    }

    /// Whether nothing else is wrong than what a repair mends.
    package func isCleanButForMissing(allowingDoubles: Bool) -> Bool {
        outOfOrder.count == 0 && unrecorded.count == 0 && (allowingDoubles || doubled.count == 0)
    }
}
