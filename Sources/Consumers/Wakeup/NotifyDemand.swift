/// Whether to ask appends for notifications.
///
/// Notifications are cheap while they are rare, and cost a database much of its throughput while they are many: each
/// makes its commit wait in line. So they are asked for while events are few, and taken back when they become many;
/// then a look every few milliseconds finds something nearly every time. Two rates with room between them keep it from
/// swinging.
///
/// Facts and instants in, a change out; no I/O, no clock.
struct NotifyDemand: Sendable {
    enum Change: Equatable {
        /// Take the request back, and poll.
        case withdraw
        /// Ask again, and sleep.
        case ask
    }

    /// Over how long wakeups are counted.
    static let window: Duration = .milliseconds(250)
    /// So many notifications in a window are too many: 200 a second.
    static let tooMany = 50
    /// So few looks of a window that found something are few enough: 40 a second.
    static let fewEnough = 10

    private(set) var isAsking = true
    private var windowStart: ContinuousClock.Instant
    private var count = 0

    init(now: ContinuousClock.Instant) {
        windowStart = now
    }

    /// Notes notifications while asking, or a look that found something while polling.
    mutating func noted(_ occurrences: Int, now: ContinuousClock.Instant) -> Change? {
        if isAsking {
            startWindowIfOver(now)
            count += occurrences
            guard count >= Self.tooMany else { return nil }
            begin(asking: false, now)
            return .withdraw
        }
        count += occurrences
        guard now - windowStart >= Self.window else { return nil }
        let isQuiet = count < Self.fewEnough
        begin(asking: isQuiet, now)
        return isQuiet ? .ask : nil
    }

    private mutating func startWindowIfOver(_ now: ContinuousClock.Instant) {
        if now - windowStart >= Self.window { begin(asking: true, now) }
    }

    private mutating func begin(asking: Bool, _ now: ContinuousClock.Instant) {
        isAsking = asking
        windowStart = now
        count = 0
    }
}
