import Kafka
package import Postgres

/// A row of the table `delivery_audits`: what is recorded of a consumer's audit.
package struct AuditRecord: Sendable, Equatable {
    /// How far a partition was read.
    struct Progress: Sendable, Equatable {
        /// Where to read on: everything before that is matched with its event, or of no interest.
        var next: Int64
        /// Records that are older may lie before what was read, in milliseconds since 1970; `.min` where the partition was
        /// read from its beginning.
        var since: Int64
    }

    package let consumer: String
    /// Where the audit began, and why there.
    package var beganAfter: Int64
    package var reason: AuditReason
    /// Everything up to here is audited.
    package var position: Int64
    /// The lowest checkpoint at the last step; 0 where an earlier version made it.
    var slowest: Int64 = 0
    package var basis = AuditBasis()
    var progress: [TopicPartition: Progress] = [:]
    /// Positions that no topic had when they were audited, and that are looked for again; ascending.
    package var suspects: [Int64] = []
    /// Positions of missing events that are still looked for, ascending; the first ones where there are many.
    package var missing: [Int64] = []
    /// Positions of parked events, ascending, that are looked for until it is decided about them; the first ones where there
    /// are many.
    package var parked: [Int64] = []
    package var counts = AuditCounts()
    /// The process that audits; `nil` where it has ended.
    package var owner: String?
    /// Whether the owner's session has ended, so that another process may go on at once.
    var isOwnerGone = false
    var epoch: Int64 = 0
    /// How long ago the last step was.
    package var lastStep: Duration = .zero
    /// How long ago all that was due was audited.
    package var age: Duration = .zero

    init(consumer: String, beganAfter: Int64, reason: AuditReason) {
        self.consumer = consumer
        self.beganAfter = beganAfter
        self.reason = reason
        position = beganAfter
    }

    /// Whether something is wrong with what was delivered, but for doubles, which at-least-once delivery has.
    package var hasFindings: Bool { counts.missing + counts.disordered + counts.misplaced > 0 }

    /// Whether an operator should look: also where topics have lost records that were audited.
    package var needsAttention: Bool { hasFindings || reason == .topicsChanged }

    /// Reads a row of ``AuditsTable/find(_:)``.
    init(_ row: Row) throws(PostgresError) {
        consumer = try row.decode("consumer_name")
        beganAfter = try row.decode("began_after")
        reason = AuditReason(rawValue: try row.decode("reason")) ?? .asked
        position = try row.decode("position")
        basis = AuditBasis(log: try row.decode("log"), route: try row.decode("route"))
        let topics: [String] = try row.decode("topics")
        let partitions: [Int32] = try row.decode("partitions")
        let offsets: [Int64] = try row.decode("next_offsets")
        let times: [Int64] = try row.decode("since_times")
        for (index, topic) in topics.enumerated()
        where index < partitions.count && index < offsets.count && index < times.count {
            progress[TopicPartition(topic, partitions[index])] = Progress(next: offsets[index], since: times[index])
        }
        suspects = try row.decode("suspects")
        missing = try row.decode("missing_positions")
        slowest = try row.decode("slowest")
        parked = try row.decode("parked_positions")
        counts.committed = try row.decode("committed")
        counts.delivered = try row.decode("delivered")
        counts.missing = try row.decode("missing")
        counts.unproven = try row.decode("unproven")
        counts.passedOver = try row.decode("passed_over")
        counts.parked = try row.decode("parked")
        counts.deadLettered = try row.decode("dead_lettered")
        counts.discarded = try row.decode("discarded")
        counts.unknowable = try row.decode("not_to_be_known")
        counts.doubled = try row.decode("doubled")
        counts.disordered = try row.decode("disordered")
        counts.misplaced = try row.decode("misplaced")
        owner = try row.decodeIfPresent("owner")
        isOwnerGone = try row.decode("owner_is_gone")
        epoch = try row.decode("epoch")
        lastStep = .seconds(max(0, try row.decode("step_age", as: Double.self)))
        age = .seconds(max(0, try row.decode("caught_up_age", as: Double.self)))
    }
}
