import CoreMetrics
import Synchronization

/// Observations counted by upper bounds. Its lock is held for a search among some bounds, and nothing is allocated.
final class HistogramCell: RecorderHandler, TimerHandler, Sendable {
    struct Counts: Sendable, Equatable {
        /// By bound; the last is of those above all bounds.
        var buckets: [UInt64]
        var sum = 0.0
    }

    let bounds: [Double]
    private let state: Mutex<Counts>

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(Counts(buckets: Array(repeating: 0, count: bounds.count + 1)))
    }

    var counts: Counts { state.withLock { $0 } }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        // What is no number has no place among the bounds and would spoil the sum for good.
        guard value.isFinite else { return }
        state.withLock { counts in
            let index = bounds.firstIndex { value <= $0 } ?? bounds.count
            counts.buckets[index] += 1
            counts.sum += value
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1_000_000_000) }
}
