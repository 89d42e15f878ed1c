import TestSupport
import Testing

@testable import Consumers

/// Which events are handled together, and which one turns out to be in the way.
@Suite struct PortionsTests {
    /// Handles portions until all are done or one event is in the way; those that fail do so at the first poisoned event.
    private func run(
        count: Int, poisoned: Set<Int>, isKnown: Bool
    ) -> (handled: [Int], halt: Int?, transactions: Int) {
        var portions = Portions(count: count)
        var handled: [Int] = []
        var transactions = 0
        while let portion = portions.next {
            transactions += 1
            guard let first = portion.first(where: poisoned.contains) else {
                handled += portion
                portions.handled()
                continue
            }
            if let halt = portions.failed(at: isKnown ? first : nil) {
                return (handled, halt, transactions)
            }
        }
        return (handled, nil, transactions)
    }

    @Test func `without a failure all events are handled at once`() {
        let result = run(count: 500, poisoned: [], isKnown: false)
        #expect(result.handled == Array(0..<500) && result.halt == nil && result.transactions == 1)
        #expect(run(count: 0, poisoned: [], isKnown: false).transactions == 0)
    }

    @Test func `a known event halts behind those before it, in three transactions`() {
        let result = run(count: 500, poisoned: [70], isKnown: true)
        #expect(result.handled == Array(0..<70) && result.halt == 70 && result.transactions == 3)
    }

    @Test func `an unknown event is narrowed down in a logarithmic number of transactions`() {
        for poison in 0..<500 {
            let result = run(count: 500, poisoned: [poison], isKnown: false)
            #expect(result.handled == Array(0..<poison) && result.halt == poison)
            #expect(result.transactions <= 19)
        }
    }

    @Test func `whatever fails, the events before the first are handled once and in order`() {
        for seed in seeds(1_000, of: "portions") {
            var random = Seeded(seed)
            let count = Int.random(in: 1...40, using: &random)
            var poisoned: Set<Int> = []
            for _ in 0..<Int.random(in: 0...5, using: &random) {
                poisoned.insert(.random(in: 0..<count, using: &random))
            }
            let result = run(count: count, poisoned: poisoned, isKnown: .random(using: &random))
            #expect(result.halt == poisoned.min(), "seed \(seed)")
            #expect(result.handled == Array(0..<(poisoned.min() ?? count)), "seed \(seed)")
        }
    }

    @Test func `a failure that does not come again costs nothing but the second attempt`() {
        var portions = Portions(count: 8)
        #expect(portions.failed(at: 3) == nil)
        var handled: [Int] = []
        while let portion = portions.next {
            handled += portion
            portions.handled()
        }
        #expect(handled == Array(0..<8))
    }
}
