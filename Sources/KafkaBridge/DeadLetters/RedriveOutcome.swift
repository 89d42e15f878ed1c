/// How delivering an aggregate's parked events ended: up to the first that failed again.
struct RedriveOutcome: Sendable, Hashable {
    struct Failed: Sendable, Hashable {
        let position: Int64
        let reason: DeadLetter.Reason
        let error: String
    }

    var delivered: [Int64] = []
    var failed: Failed?
    /// Not come to: they stay parked.
    var left: [Int64] = []
}
