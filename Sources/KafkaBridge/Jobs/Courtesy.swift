package import Consumers

/// Decides when a job may publish, and how much, so that the live flow of its process does not feel it. A pure value.
///
/// A job works in slices, no longer than a live event takes anyway, and rests between them: so a live event meets one slice at
/// most, and is not twice as slow. How long it rests follows the delays of the live flow: longer while they are worse than without the job, shorter while they
/// are not. What they are without the job is learned by listening: now and then the job rests for a moment, and takes the
/// delays of then for normal. While a consumer catches up, the job waits; one that stays behind, held by a rate or slow brokers,
/// keeps it to a slice a second.
package struct Courtesy: Sendable {
    package enum Step: Sendable, Equatable {
        /// Publish so many events at most.
        case publish(Int)
        /// Publish nothing before then.
        case wait(until: ContinuousClock.Instant)
    }

    /// What a slice should take: no longer than a live event takes, which may have to wait for it; and what it takes at least, and
    /// while nothing else flows.
    static let shortestSlice: Duration = .milliseconds(1)
    static let longestSlice: Duration = .milliseconds(10)
    /// How long it listens at the beginning, and later.
    static let firstListening: Duration = .seconds(1)
    static let listening: Duration = .milliseconds(500)
    /// How long what was learned holds.
    static let validity: Duration = .seconds(60)
    /// A flow without an event for so long is idle.
    static let idleTime: Duration = .seconds(2)
    /// How long nothing is published once a consumer was seen to catch up.
    static let patience: Duration = .milliseconds(500)
    /// How long it gives way to consumers that catch up, and how often it goes on then.
    static let longestStand: Duration = .seconds(60)
    static let standingPause: Duration = .seconds(1)
    /// Rests between slices, in slices: while nothing else flows, at first, and at most.
    static let idleRest = 0.25
    static let firstRest = 10.0
    static let longestRest = 200.0
    /// How many delays are judged together, or how many where so many do not come in a second.
    private static let sampleCount = 60
    private static let fewestSamples = 20
    /// Smaller differences are noise, in microseconds.
    private static let tolerance: Int64 = 1_500

    private enum Phase: Sendable {
        case listening(until: ContinuousClock.Instant)
        case working(since: ContinuousClock.Instant)
    }

    private let most: Int
    private var phase: Phase
    private var samples: [LiveFlow.Sample] = []
    /// Delays without the job; `nil` while nothing flows.
    private var normal: Normal?
    private var lastSample: ContinuousClock.Instant?
    private var lastJudgement: ContinuousClock.Instant
    private var lastCatchUp: ContinuousClock.Instant?
    /// Since when a consumer has been catching up, as far as was looked.
    private var standsSince: ContinuousClock.Instant?
    private var portion: Int
    private var rest = Courtesy.firstRest
    private var next: ContinuousClock.Instant

    private struct Normal: Sendable {
        var age: Int64
        var handling: Int64
    }

    /// - Parameter most: events of one slice at most.
    package init(most: Int, now: ContinuousClock.Instant) {
        self.most = max(1, most)
        portion = min(self.most, 20)
        phase = .listening(until: now + Self.firstListening)
        next = now
        lastJudgement = now
    }

    /// What the job waits for; `nil` while it works.
    package func note(now: ContinuousClock.Instant) -> String? {
        if isCatchingUp(now) { return "gives way while consumers of this process catch up" }
        if rest >= Self.longestRest { return "gives way to the live flow, which is slower than without the job" }
        return nil
    }

    /// What to do now.
    package mutating func step(now: ContinuousClock.Instant) -> Step {
        if let lastCatchUp, isCatchingUp(now) {
            let since = standsSince ?? now
            standsSince = since
            if now - since >= Self.longestStand, now >= next { return .publish(portion) }
            return .wait(until: lastCatchUp + Self.patience)
        }
        standsSince = nil
        if case .listening(let end) = phase {
            if now < end { return .wait(until: end) }
            normal = Self.normal(of: samples)
            samples = []
            phase = .working(since: now)
        }
        if case .working(let since) = phase {
            // Learned too long ago, or never with something to learn from.
            let isOutdated = now - since > Self.validity
            if !isIdle(now), isOutdated || normal == nil { return listen(now, for: Self.listening) }
            if isOutdated { phase = .working(since: now) }
        }
        return now < next ? .wait(until: next) : .publish(portion)
    }

    /// Takes in what the live flow has done since the last time.
    package mutating func observe(_ load: LiveFlow.Load, now: ContinuousClock.Instant) {
        if load.isCatchingUp { lastCatchUp = now }
        if load.samples.isEmpty { return }
        lastSample = now
        samples += load.samples
        guard case .working = phase, let normal else { return }
        let isDue = samples.count >= Self.fewestSamples && now - lastJudgement >= .seconds(1)
        guard samples.count >= Self.sampleCount || isDue else { return }
        let isSlower = isSlower(than: normal)
        (samples, lastJudgement) = ([], now)
        rest = isSlower ? min(Self.longestRest, rest * 2) : max(1, rest * 0.9)
    }

    /// Takes in that so many events were published, and acknowledged.
    package mutating func published(_ count: Int, took time: Duration, now: ContinuousClock.Instant) {
        next = now + time * (isIdle(now) ? Self.idleRest : rest)
        if standsSince != nil { next = max(next, now + Self.standingPause) }
        guard count > 0, time > .zero else { return }
        let fitting = Double(count) * (slice / time)
        if time > slice {
            portion = max(1, Int(min(fitting, Double(portion))))
        } else if count >= portion {
            // What was found may be less than was asked for, which says little of how much fits.
            portion = min(most, max(portion + 1, Int(min(fitting, Double(portion) * 2))))
        }
    }

    private var slice: Duration {
        guard let normal else { return Self.longestSlice }
        return min(Self.longestSlice, max(Self.shortestSlice, .microseconds(normal.handling)))
    }

    private mutating func listen(_ now: ContinuousClock.Instant, for time: Duration) -> Step {
        samples = []
        phase = .listening(until: now + time)
        return .wait(until: now + time)
    }

    private func isIdle(_ now: ContinuousClock.Instant) -> Bool {
        lastSample.map { now - $0 > Self.idleTime } ?? true
    }

    private func isCatchingUp(_ now: ContinuousClock.Instant) -> Bool {
        lastCatchUp.map { now - $0 < Self.patience } ?? false
    }

    /// It is the slowest events that count, but for one of fifty. The age contains everything, but depends on two clocks; so the two are
    /// judged apart.
    private func isSlower(than normal: Normal) -> Bool {
        let allowed = max(Self.tolerance, normal.handling / 2)
        return Self.tail(samples.map(\.age)) - normal.age > allowed
            || Self.tail(samples.compactMap(\.handling)) - normal.handling > allowed
    }

    private static func normal(of samples: [LiveFlow.Sample]) -> Normal? {
        if samples.isEmpty { return nil }
        return Normal(age: tail(samples.map(\.age)), handling: tail(samples.compactMap(\.handling)))
    }

    private static func tail(_ values: [Int64]) -> Int64 {
        let sorted = values.sorted()
        return sorted.isEmpty ? 0 : sorted[max(0, sorted.count - 1 - max(1, sorted.count / 50))]
    }
}
