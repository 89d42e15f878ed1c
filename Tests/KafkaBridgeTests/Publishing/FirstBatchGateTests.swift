import TestSupport
import Testing

@testable import KafkaBridge

@Suite struct FirstBatchGateTests {
    private let a = FirstBatchGate.Partition(topic: 0, partition: 0)
    private let b = FirstBatchGate.Partition(topic: 0, partition: 1)

    @Test func `the first record goes alone`() {
        var gate = FirstBatchGate()
        let now = ContinuousClock.now
        #expect(gate.admit(a, now: now) == .alone)
        #expect(gate.admit(a, now: now) == .wait)
        #expect(gate.admit(b, now: now) == .alone)
        gate.acknowledge(a, now: now)
        #expect(gate.admit(a, now: now) == .free)
        #expect(gate.admit(b, now: now) == .wait)
    }

    @Test func `long idleness closes the gate`() {
        var gate = FirstBatchGate(idleLimit: .seconds(10))
        let now = ContinuousClock.now
        _ = gate.admit(a, now: now)
        gate.acknowledge(a, now: now)
        #expect(gate.admit(a, now: now + .seconds(10)) == .free)
        // Idleness counts from the last record, not from the first.
        #expect(gate.admit(a, now: now + .seconds(20)) == .free)
        #expect(gate.admit(a, now: now + .seconds(31)) == .alone)
        #expect(gate.admit(a, now: now + .seconds(31)) == .wait)
    }

    /// A broker that forgets nothing early, fed through the gate: never are two records of a partition under way
    /// before its first one is acknowledged.
    @Test func `never two under way before the first acknowledgement`() {
        for seed in 0..<1_000 {
            var random = Seeded(UInt64(seed))
            var gate = FirstBatchGate(idleLimit: .seconds(5))
            var now = ContinuousClock.now
            var underWay: [Int32: Int] = [:]
            var confirmed: [Int32: ContinuousClock.Instant] = [:]
            for _ in 0..<100 {
                let number = Int32.random(in: 0..<3, using: &random)
                let partition = FirstBatchGate.Partition(topic: 1, partition: number)
                switch Int.random(in: 0..<10, using: &random) {
                case 0..<6:
                    let passage = gate.admit(partition, now: now)
                    if passage == .wait { continue }
                    if let last = confirmed[number], now - last <= .seconds(5) {
                        #expect(passage == .free)
                        confirmed[number] = now
                    } else {
                        #expect(passage == .alone)
                        #expect(underWay[number, default: 0] == 0 || confirmed[number] != nil)
                        confirmed[number] = nil
                    }
                    underWay[number, default: 0] += 1
                case 6..<9:
                    guard underWay[number, default: 0] > 0 else { continue }
                    underWay[number] = 0
                    confirmed[number] = now
                    gate.acknowledge(partition, now: now)
                default: now += .seconds(Int.random(in: 0...4, using: &random))
                }
            }
        }
    }
}
