/// What keeps a consumer's events from moving, or slows them down.
package struct HealthIssue: Sendable, Hashable {
    /// The worst first.
    package enum Kind: String, Sendable, CaseIterable {
        case databaseAway = "database_away"
        case databaseBusy = "database_busy"
        case noSession = "no_session"
        case leaseLost = "lease_lost"
        case notSeen = "not_seen"
        case notStarted = "not_started"
        case noOwner = "no_owner"
        case ownerSilent = "owner_silent"
        case paused
        case sourceRefused = "source_refused"
        case auditFound = "audit_found_loss"
        case removedUndelivered = "removed_undelivered"
        case auditBehind = "audit_behind"
        case halted
        case refused
        case stalled
        case waiting
        case heldBack = "horizon_held_back"
        case parked
        case jobFailed = "job_failed"
        case limited = "rate_limited"
        case starting
        case stopping
        case rebalancing
        case oneOff = "one_off"
        case tooFarBehind = "too_far_behind"

        /// Stable, for alerts and for looking it up in the documentation.
        package var code: String {
            switch self {
            case .databaseAway: "GW-DATABASE-AWAY"
            case .databaseBusy: "GW-DATABASE-BUSY"
            case .noSession: "GW-NO-SESSION"
            case .leaseLost: "GW-LEASE-LOST"
            case .notSeen: "GW-NOT-SEEN"
            case .notStarted: "GW-NOT-STARTED"
            case .noOwner: "GW-NO-OWNER"
            case .ownerSilent: "GW-OWNER-SILENT"
            case .paused: "GW-PAUSED"
            case .sourceRefused: "GW-SOURCE-REFUSED"
            case .auditFound: "GW-AUDIT-FOUND"
            case .removedUndelivered: "GW-REMOVED-UNDELIVERED"
            case .auditBehind: "GW-AUDIT-BEHIND"
            case .halted: "GW-HALTED"
            case .refused: "GW-REFUSED"
            case .stalled: "GW-STALLED"
            case .waiting: "GW-WAITING"
            case .heldBack: "GW-HORIZON-HELD"
            case .parked: "GW-PARKED"
            case .jobFailed: "GW-JOB-FAILED"
            case .limited: "GW-RATE-LIMITED"
            case .starting: "GW-STARTING"
            case .stopping: "GW-STOPPING"
            case .rebalancing: "GW-REBALANCING"
            case .oneOff: "GW-ONE-OFF"
            case .tooFarBehind: "GW-TOO-FAR-BEHIND"
            }
        }

        /// Whether an operator should know. What was ordered, or passes within moments, is no disturbance.
        package var isUnhealthy: Bool {
            switch self {
            case .databaseAway, .databaseBusy, .noSession, .leaseLost, .notSeen, .notStarted, .noOwner, .ownerSilent,
                .sourceRefused, .halted, .refused, .stalled, .waiting, .heldBack, .tooFarBehind, .parked,
                .auditFound, .auditBehind, .jobFailed, .removedUndelivered:
                true
            case .paused, .limited, .starting, .stopping, .rebalancing, .oneOff: false
            }
        }

        /// Whether a process for which this holds is not ready: it cannot do its work, whatever the events are. An event that
        /// halts or is parked, an order and a transaction of others leave it ready.
        package var isOfProcess: Bool {
            switch self {
            case .databaseAway, .databaseBusy, .noSession, .leaseLost, .sourceRefused, .refused, .stalled, .waiting,
                .starting, .stopping, .rebalancing:
                true
            case .notSeen, .notStarted, .noOwner, .ownerSilent, .paused, .halted, .heldBack, .parked, .limited, .oneOff,
                .tooFarBehind, .auditFound, .auditBehind, .jobFailed, .removedUndelivered:
                false
            }
        }

        /// Whether it keeps events from being delivered. A parked event keeps its own aggregate only, and what audits find
        /// nothing.
        var holdsUp: Bool {
            switch self {
            case .parked, .jobFailed, .auditFound, .auditBehind, .removedUndelivered, .notSeen, .tooFarBehind, .oneOff:
                false
            default: true
            }
        }

        var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    }

    package let kind: Kind
    /// For people: what it is, and what to do.
    package let text: String

    package init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text
    }
}
