import CoreMetrics
import Synchronization

/// A number in one atomic word: a gauge, or a count with fractions.
final class GaugeCell: MeterHandler, RecorderHandler, FloatingPointCounterHandler, Sendable {
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func set(_ value: Int64) { set(Double(value)) }

    func set(_ value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
    }

    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }

    func increment(by amount: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let (isExchanged, original) = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if isExchanged { return }
            old = original
        }
    }

    func decrement(by amount: Double) { increment(by: -amount) }

    func reset() { set(0.0) }
}
