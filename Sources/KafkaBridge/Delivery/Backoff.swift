/// How long to wait before the next attempt: twice as long each time, up to a bound, and less by a part that is left to
/// chance, so that many relays do not come back at once. A pure value.
package struct Backoff: Sendable, Equatable {
    package let least: Duration
    package let most: Duration
    package private(set) var attempts = 0

    package init(least: Duration = .milliseconds(100), most: Duration = .seconds(15)) {
        self.least = least
        self.most = most
    }

    /// - Parameter chance: 0 to 1; takes away up to half of the pause.
    package mutating func next(chance: Double) -> Duration {
        let full = least * Int(1 << min(attempts, 20))
        attempts += 1
        return min(full, most) * (1 - min(max(chance, 0), 1) / 2)
    }

    /// Something went well.
    package mutating func reset() { attempts = 0 }
}
