package import Consumers

/// Which rows of an outbox may be removed. A pure decision.
///
/// A row may go once every consumer that is registered has passed it in every segment, nothing else needs it, and it has been
/// delivered for long enough. When a row was delivered is taken from ``DeliveredHistory``, never from the row itself.
package struct RetentionPlan: Sendable, Equatable {
    /// What keeps rows behind a position from being removed.
    package struct Hold: Sendable, Equatable {
        package enum Holder: Sendable, Equatable {
            /// No consumer has begun: nothing says what was delivered.
            case noConsumer
            case consumer(String)
            /// A consumer that was never started.
            case notStarted(String)
            /// Rows of a consumer's segments are gone, so that nobody knows how far it has come there.
            case segmentsMissing(String)
            case job(String, state: String)
            case audit(String)
            /// Consumers of another schema of Godwit's tables.
            case elsewhere(OtherSchemas.Reader)
            /// There are more parked events than are looked at.
            case parked
            /// What follows has not been delivered for long enough.
            case age
        }

        package let position: Int64
        package let holder: Holder

        package init(position: Int64, holder: Holder) {
            self.position = position
            self.holder = holder
        }
    }

    /// Rows up to here may be removed, but for those that are kept.
    package let through: Int64
    /// Positions up to there whose rows are needed, ascending.
    package let kept: [Int64]
    /// What holds the rest, the lowest position first; never empty.
    package let holds: [Hold]

    /// Everything up to here is delivered by all consumers; `nil` where nothing says so.
    package static func delivered(_ facts: RetentionFacts) -> Int64? {
        facts.consumers.compactMap { hold(of: $0)?.position }.min()
    }

    /// - Parameter longEnough: everything up to here has been delivered for as long as it is to be kept.
    package init(_ facts: RetentionFacts, longEnough: Int64) {
        var holds = facts.consumers.compactMap { Self.hold(of: $0) }
        if holds.isEmpty { holds.append(Hold(position: 0, holder: .noConsumer)) }
        for job in facts.jobs where job.checkpoint < job.through {
            holds.append(Hold(position: job.checkpoint, holder: .job(job.name, state: job.state)))
        }
        for audit in facts.audits { holds.append(Hold(position: audit.position, holder: .audit(audit.consumer))) }
        holds += facts.others.map { Hold(position: 0, holder: .elsewhere($0)) }
        if let known = facts.parkedKnownThrough { holds.append(Hold(position: known, holder: .parked)) }
        holds.append(Hold(position: longEnough, holder: .age))
        // Of one position, age is named last: what else holds it may need a person.
        holds = holds.enumerated().sorted { ($0.element.position, $0.offset) < ($1.element.position, $1.offset) }
            .map(\.element)
        let through = max(0, holds.first?.position ?? 0)
        self.through = through
        self.holds = holds
        kept = Set((facts.parked + facts.audits.flatMap(\.open)).filter { $0 <= through }).sorted()
    }

    /// What holds rows that have been delivered for long enough; `nil` where only their age does.
    package var holder: Hold? { holds.first.flatMap { $0.holder == .age ? nil : $0 } }

    /// Behind which position the consumer needs rows; `nil` where it needs none of those that are there.
    private static func hold(of consumer: RetentionFacts.Consumer) -> Hold? {
        if consumer.checkpoints.isEmpty {
            return consumer.beginsAfter.map { Hold(position: $0, holder: .notStarted(consumer.name)) }
        }
        // Where a segment without a row has come to, nobody knows.
        guard consumer.checkpoints.count >= consumer.totalSegments, let lowest = consumer.checkpoints.min() else {
            return Hold(position: 0, holder: .segmentsMissing(consumer.name))
        }
        return Hold(position: lowest, holder: .consumer(consumer.name))
    }
}

extension RetentionPlan.Hold: CustomStringConvertible {
    /// What it is, and what to do where nothing else ends it.
    package var description: String {
        switch holder {
        case .noConsumer:
            "no consumer has begun, so that nothing counts as delivered: start `godwit run`"
        case .consumer(let name): "consumer \(name) is at position \(position)"
        case .notStarted(let name):
            "consumer \(name) is registered and was never started; it begins behind position \(position): start it, or "
                + "`godwit retire \(name)`"
        case .segmentsMissing(let name):
            "rows of segments of consumer \(name) are gone, so that nobody knows what it has delivered: put them back, or "
                + "`godwit retire \(name)`"
        case .job(let name, let state):
            "job \(name) (\(state)) needs what follows position \(position): run it to its end, or "
                + "`godwit republish --cancel \(name)`"
        case .audit(let consumer):
            "the audit of \(consumer) is at position \(position): where nothing audits it any more, "
                + "`godwit audit --end \(consumer)`"
        case .elsewhere(let reader) where reader.consumers.isEmpty:
            "roles that relay with another schema of Godwit's tables, \(reader.schema), may read the table, and this role may not "
                + "look which consumers do: give all deployments of the table one database.godwit_schema, or GRANT USAGE on that "
                + "schema and SELECT on its tables"
        case .elsewhere(let reader):
            "\(reader.consumers.joined(separator: ", ")) \(reader.consumers.count == 1 ? "reads" : "read") the table too, recorded in "
                + "another schema of Godwit's tables, \(reader.schema), so that nobody here knows what was delivered: give all "
                + "deployments of the table one database.godwit_schema; what is gone is let go by `godwit retire` with "
                + "database.godwit_schema: \(reader.schema)"
        case .parked: "more events are parked behind position \(position) than are looked at: see `godwit parked list`"
        case .age: "what follows position \(position) has not been delivered for long enough"
        }
    }

    /// In a word, for programs.
    package var kind: String {
        switch holder {
        case .noConsumer: "no_consumer"
        case .consumer: "consumer"
        case .notStarted: "not_started"
        case .segmentsMissing: "segments_missing"
        case .job: "job"
        case .audit: "audit"
        case .elsewhere: "other_schema"
        case .parked: "parked"
        case .age: "age"
        }
    }
}
