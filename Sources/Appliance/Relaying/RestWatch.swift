/// Notices when a process that has worked comes to rest. A pure value.
struct RestWatch: Sendable {
    /// The share of a core above which a process counts as working.
    static let working = 0.02

    private var used: Duration
    private var at: ContinuousClock.Instant
    /// Starting is work too.
    private var hasWorked = true

    init(used: Duration, at now: ContinuousClock.Instant) {
        self.used = used
        at = now
    }

    /// Looks at the processor time used so far; true once after work, at the first look that finds none since the last.
    mutating func look(used now: Duration, at instant: ContinuousClock.Instant) -> Bool {
        let share = (now - used) / (instant - at)
        (used, at) = (now, instant)
        if share > Self.working {
            hasWorked = true
            return false
        }
        defer { hasWorked = false }
        return hasWorked
    }
}
