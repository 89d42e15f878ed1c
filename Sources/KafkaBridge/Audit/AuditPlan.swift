package import EventSourcing
import Kafka

/// What the next step of an audit is. A pure decision.
enum AuditPlan: Sendable, Equatable {
    /// The consumer was never started.
    case wait
    /// What was audited says nothing about what follows: begin behind a position, from nothing.
    case begin(after: Int64, reason: AuditReason)
    /// Audit what follows the recorded position, up to another.
    case proceed(through: Int64)

    /// What the database has at the beginning of a step.
    struct Facts: Sendable, Equatable {
        /// The lowest checkpoint of the consumer's segments; `nil` where it was never started.
        var checkpoint: Int64?
        /// How far to audit where a segment does not move: to the highest checkpoint.
        var highest: Int64?
        var basis: AuditBasis
    }

    /// - Parameter record: what is recorded of the audit so far; `nil` before the first.
    static func next(_ record: AuditRecord?, _ facts: Facts) -> AuditPlan {
        guard let checkpoint = facts.checkpoint else { return .wait }
        guard let record else { return .begin(after: checkpoint, reason: .first) }
        if !record.basis.log.isEmpty, record.basis.log != facts.basis.log {
            return .begin(after: checkpoint, reason: .anotherLog)
        }
        if checkpoint < (record.slowest > 0 ? record.slowest : record.position) {
            return .begin(after: checkpoint, reason: .setBack)
        }
        if !record.basis.route.isEmpty, record.basis.route != facts.basis.route {
            return .begin(after: checkpoint, reason: .anotherRoute)
        }
        return .proceed(through: max(record.position, facts.highest ?? checkpoint))
    }
}

/// Why an audit begins behind a position.
package enum AuditReason: String, Sendable, Equatable {
    case first
    case anotherLog = "another_log"
    case anotherRoute = "another_route"
    case setBack = "set_back"
    case topicsChanged = "topics_changed"
    case asked

    /// For people.
    package var text: String {
        switch self {
        case .first: "nothing was audited before"
        case .anotherLog: "the log of events is another one"
        case .anotherRoute: "the consumer's topics, key or names of headers have changed"
        case .setBack: "the consumer's checkpoints were set back"
        case .topicsChanged: "a topic is not what was read: it was made anew, or has lost its last records"
        case .asked: "an operator asked for it"
        }
    }
}

/// What an audit rests on: where one of the two changes, earlier offsets and positions mean nothing.
package struct AuditBasis: Sendable, Equatable {
    /// Which log the positions count in.
    package var log = ""
    /// Where the consumer's records go, and how they are named.
    package var route = ""

    package init(log: String = "", route: String = "") {
        self.log = log
        self.route = route
    }
}

extension AuditBasis {
    /// What of a route decides where the record of an event is, and how it is found.
    static func text(_ route: Route, deadLetterTopic: TopicName?) -> String {
        var parts = [route.topic.description]
        parts += route.topicsByEventType.map { "\($0.key)=\($0.value.description)" }.sorted()
        parts += ["key \(route.key)", "prefix \(route.headers.prefix)"]
        if let partition = route.partition { parts.append("partition \(partition)") }
        if route.partitioner != .murmur2 { parts.append("partitioner \(route.partitioner)") }
        // What the records are found by, where it is called something else.
        for (column, header) in [
            ("event_id", route.headers.eventID), ("global_position", route.headers.globalPosition),
        ]
        where header.description != route.headers.prefix + column {
            parts.append("\(column) \(header)")
        }
        if let deadLetterTopic { parts.append("dead letters \(deadLetterTopic)") }
        return parts.joined(separator: "; ")
    }
}
