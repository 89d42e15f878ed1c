import Consumers
import Postgres

/// Which sessions at PostgreSQL a relay has at most.
struct SessionNeed: Sendable, Equatable {
    /// How many for what.
    let purposes: [(purpose: SessionPurpose, count: Int)]

    var count: Int { purposes.reduce(0) { $0 + $1.count } }

    /// `5 sessions at most (control, reader, 2 lanes, listener)`
    var text: String {
        let parts = purposes.map { $0.count == 1 ? $0.purpose.rawValue : "\($0.count) \($0.purpose.rawValue)s" }
        return "\(count) sessions at most (\(parts.joined(separator: ", ")))"
    }

    static func == (one: SessionNeed, other: SessionNeed) -> Bool { one.text == other.text }
}

extension Configuration {
    /// However many consumers there are.
    var sessionNeed: SessionNeed {
        var purposes: [(purpose: SessionPurpose, count: Int)] = [
            (.control, 1), (.reader, 1), (.lane, EventSource.laneConnections),
        ]
        if notify.mode != .never { purposes.append((.listener, 1)) }
        if admin.listen != nil { purposes.append((.status, 1)) }
        // For a step at a time.
        if audit.interval != nil { purposes.append((.audit, 2)) }
        if source.retention.deliveredFor != nil { purposes.append((.retention, 1)) }
        return SessionNeed(purposes: purposes)
    }
}
