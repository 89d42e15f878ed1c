/// What keeps a consumer's events from moving, or slows them down.
package struct HealthIssue: Sendable, Hashable {
    package enum Kind: String, Sendable, CaseIterable {
        case databaseAway = "database_away"
        case notStarted = "not_started"
        case noOwner = "no_owner"
        case ownerSilent = "owner_silent"
        case paused
        case sourceRefused = "source_refused"
        case halted
        case refused
        case stalled
        case waiting
        case heldBack = "horizon_held_back"
        case parked
        case limited = "rate_limited"
        case rebalancing
        case oneOff = "one_off"
        case tooFarBehind = "too_far_behind"

        /// Whether somebody should be told. What was ordered, or passes within moments, is no disturbance.
        package var isUnhealthy: Bool {
            switch self {
            case .databaseAway, .notStarted, .noOwner, .ownerSilent, .sourceRefused, .halted, .refused, .stalled,
                .waiting,
                .heldBack,
                .tooFarBehind, .parked:
                true
            case .paused, .limited, .rebalancing, .oneOff: false
            }
        }
    }

    package let kind: Kind
    /// For people: what it is, and what to do.
    package let text: String

    package init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text
    }
}
