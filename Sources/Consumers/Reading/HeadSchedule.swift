/// When the head looks, and what for: at news, at a gap's own pace, at positions that were drawn and never used, and when
/// consumers without events are told how far the log was read.
///
/// Facts and instants in, decisions out: no clock.
struct HeadSchedule: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How often at least a gap that stays open is looked at.
    static let longestGapWait: Duration = .milliseconds(500)
    /// How often a consumer that gets no events is told how far the log was read, and how soon after the last event.
    static let progressInterval: Duration = .seconds(5)
    static let progressDelay: Duration = .seconds(1)

    /// There may be rows that were not asked for.
    private(set) var hasNews = true
    /// The last read of newer rows was cut: more are there.
    private(set) var isMoreThere = false
    private let trailingInterval: Duration
    private var nextTrailing: Instant
    /// Since when the first missing position is the first, what lies before it, and when to list the writers next.
    private var gap: (since: Instant, behind: Int64, next: Instant)?
    private var progressDue: Instant?
    private var nextProgress: Instant

    /// - Parameter trailingInterval: how often to look, while nothing comes, whether positions that were drawn and never
    ///   used can be passed.
    init(trailingInterval: Duration, now: Instant) {
        self.trailingInterval = trailingInterval
        nextTrailing = now
        nextProgress = now
    }

    // MARK: News

    mutating func noteNews() { hasNews = true }

    /// Whether there is reason to ask for newer rows.
    var wantsNewer: Bool { hasNews || isMoreThere }

    /// Newer rows are asked for; what comes up from now on is news again.
    mutating func askedForNewer() { hasNews = false }

    /// Newer rows were read.
    mutating func readNewer(isCut: Bool) { isMoreThere = isCut }

    /// What was known of rows behind the last read counts no more.
    mutating func beginAnew() {
        hasNews = true
        isMoreThere = false
    }

    // MARK: Positions behind the last visible one

    func isTrailingDue(_ now: Instant) -> Bool { !isMoreThere && now >= nextTrailing }

    /// A one-off consumer waits for what was drawn before its start.
    mutating func hastenTrailing(_ now: Instant) { nextTrailing = now }

    mutating func settledTrailing(_ now: Instant) { nextTrailing = now.advanced(by: trailingInterval) }

    // MARK: Gaps

    /// How long events have waited behind a missing position; `nil` if none do.
    func gapAge(_ now: Instant) -> Duration? { gap.map { now - $0.since } }

    /// Whether it is time to list the writers for a gap.
    func isGapDue(_ now: Instant) -> Bool { gap.map { now >= $0.next } ?? false }

    /// A look has ended. A gap is looked at for its writers at once, then the less often the longer it stays.
    ///
    /// - Parameter position: what lies before the first missing position; `nil` if none is missing. Where transactions
    ///   overlap without end something is missing all the time, but never the same position for long.
    mutating func looked(gapBehind position: Int64?, sawWriters: Bool, now: Instant) {
        guard let position else {
            gap = nil
            return
        }
        let known = gap
        let since = known.map { $0.behind == position ? $0.since : now } ?? now
        let next = now.advanced(by: min(Self.longestGapWait, max(.milliseconds(1), (now - since) / 16)))
        if sawWriters {
            gap = (since, position, next)
        } else if let known {
            gap = (since, position, min(known.next, next))
        } else {
            gap = (since, position, now)
        }
    }

    // MARK: Progress

    /// The log was read further.
    mutating func noteProgress(_ now: Instant) {
        progressDue = progressDue ?? max(now.advanced(by: Self.progressDelay), nextProgress)
    }

    /// Whether to tell consumers now.
    mutating func takeProgress(_ now: Instant) -> Bool {
        guard let due = progressDue, now >= due else { return false }
        progressDue = nil
        nextProgress = now.advanced(by: Self.progressInterval)
        return true
    }

    // MARK: Rest

    /// Until when there is nothing to do by itself.
    ///
    /// - Parameter settlesTrailing: whether positions behind the last visible one are waited for and could be looked at.
    func restsUntil(_ now: Instant, settlesTrailing: Bool) -> Instant {
        [gap?.next, progressDue, settlesTrailing ? nextTrailing : nil].compactMap(\.self).min()
            ?? now.advanced(by: .seconds(60))
    }
}
