import Telemetry

/// How much flowed and how late it was, over an hour and a day, as a process's own metrics count it. A pure value: counts and
/// instants in, points out.
struct FlowHistory: Sendable {
    /// What the metrics have counted since the process began.
    struct Totals: Sendable, Equatable {
        var events: Int64 = 0
        /// Batches by their latency; empty where nothing was measured.
        var latency: [UInt64] = []

        static func += (left: inout Totals, right: Totals) {
            left.events += right.events
            if left.latency.isEmpty { left.latency = right.latency; return }
            for index in left.latency.indices where index < right.latency.count {
                left.latency[index] += right.latency[index]
            }
        }
    }

    struct Point: Sendable, Equatable {
        /// Events per second.
        let rate: Float
        /// Seconds that half of the batches, and one of a hundred, took at least; `nil` where there was none.
        let median: Float?
        let p99: Float?
    }

    enum Span: String, Sendable, CaseIterable {
        case hour = "1h"
        case day = "24h"

        /// How much time a point stands for.
        var interval: Duration { self == .hour ? .seconds(15) : .seconds(300) }
        var capacity: Int { self == .hour ? 240 : 288 }
        var words: String { self == .hour ? "1 hour" : "24 hours" }
    }

    private struct Series: Sendable {
        let span: Span
        var points: [Point] = []
        var began: (totals: Totals, time: ContinuousClock.Instant)?

        mutating func note(_ totals: Totals, at time: ContinuousClock.Instant, _ bounds: [Double]) {
            guard let began else {
                self.began = (totals, time)
                return
            }
            let passed = time - began.time
            guard passed >= span.interval else { return }
            points.append(FlowHistory.point(from: began.totals, to: totals, in: passed, bounds))
            if points.count > span.capacity { points.removeFirst(points.count - span.capacity) }
            self.began = (totals, time)
        }
    }

    /// The bounds of the latency's buckets, in seconds.
    private let bounds: [Double]
    private var hour = Series(span: .hour)
    private var day = Series(span: .day)

    init(bounds: [Double]) { self.bounds = bounds }

    mutating func note(_ totals: Totals, at time: ContinuousClock.Instant) {
        hour.note(totals, at: time, bounds)
        day.note(totals, at: time, bounds)
    }

    /// The oldest first.
    func points(_ span: Span) -> [Point] { span == .hour ? hour.points : day.points }

    static func point(
        from first: Totals, to last: Totals, in time: Duration, _ bounds: [Double]
    ) -> Point {
        let counts = last.latency.indices.map { index -> UInt64 in
            let before = index < first.latency.count ? first.latency[index] : 0
            return last.latency[index] >= before ? last.latency[index] - before : 0
        }
        let rate = Double(max(0, last.events - first.events)) / max(0.001, time / .seconds(1))
        return Point(
            rate: Float(rate), median: quantile(0.5, counts, bounds).map { Float($0) },
            p99: quantile(0.99, counts, bounds).map { Float($0) })
    }

    /// As Prometheus estimates it: evenly spread within a bucket; what is above all bounds counts as the last of them.
    static func quantile(_ part: Double, _ counts: [UInt64], _ bounds: [Double]) -> Double? {
        let total = counts.reduce(0, +)
        guard total > 0, let last = bounds.last else { return nil }
        let wanted = part * Double(total)
        var passed = 0.0
        for (index, count) in counts.enumerated() {
            guard index < bounds.count else { break }
            let lower = index == 0 ? 0 : bounds[index - 1]
            if count > 0, passed + Double(count) >= wanted {
                return lower + (bounds[index] - lower) * (wanted - passed) / Double(count)
            }
            passed += Double(count)
        }
        return last
    }
}

/// The histories of all consumers of a process, and of all together.
struct FlowHistories: Sendable {
    private(set) var all: FlowHistory?
    private var own: [String: FlowHistory] = [:]

    /// Takes in what the metrics count now.
    mutating func note(
        events: [String: Int64], latency: [String: PrometheusRegistry.Histogram], at time: ContinuousClock.Instant
    ) {
        guard let bounds = latency.values.first?.bounds else { return }
        var sum = FlowHistory.Totals()
        for name in Set(events.keys).union(latency.keys) {
            let totals = FlowHistory.Totals(events: events[name] ?? 0, latency: latency[name]?.counts ?? [])
            own[name, default: FlowHistory(bounds: bounds)].note(totals, at: time)
            sum += totals
        }
        var history = all ?? FlowHistory(bounds: bounds)
        history.note(sum, at: time)
        all = history
    }

    subscript(consumer: String) -> FlowHistory? { own[consumer] }
}
