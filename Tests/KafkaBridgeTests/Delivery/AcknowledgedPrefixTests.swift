import Testing

@testable import KafkaBridge

@Suite struct AcknowledgedPrefixTests {
    @Test func theFirstHoleHoldsThePrefixBack() {
        var prefix = AcknowledgedPrefix(after: 5)
        prefix.enter([7, 8, 12])
        #expect(prefix.position == 5)
        prefix.acknowledge(8)
        #expect(prefix.position == 5)
        prefix.acknowledge(7)
        #expect(prefix.position == 8)
        prefix.acknowledge(12)
        #expect(prefix.position == 12)
        #expect(prefix.openCount == 0)
    }

    @Test func whatIsNotKnownChangesNothing() {
        var prefix = AcknowledgedPrefix(after: 0)
        prefix.enter([2, 4])
        prefix.acknowledge(3)
        prefix.acknowledge(5)
        #expect(prefix.position == 0)
        prefix.acknowledge([2, 2, 2])
        prefix.acknowledge(2)
        #expect(prefix.position == 2)
    }

    /// Thousands of histories of partitions that acknowledge at their own pace, against the definition.
    @Test func thePrefixIsWhatItsDefinitionSays() {
        for seed in 0..<2_000 {
            var random = Seeded(UInt64(seed))
            var prefix = AcknowledgedPrefix(after: 0)
            var next: Int64 = 0
            var entered: [Int64] = []
            var partitions: [[Int64]] = Array(repeating: [], count: 4)
            var acknowledged: Set<Int64> = []
            for _ in 0..<Int.random(in: 1...120, using: &random) {
                if Bool.random(using: &random) {
                    let stretch = (0..<Int.random(in: 1...30, using: &random)).map { _ -> Int64 in
                        next += Int64.random(in: 1...3, using: &random)
                        return next
                    }
                    prefix.enter(stretch)
                    entered += stretch
                    for position in stretch { partitions[Int.random(in: 0..<4, using: &random)].append(position) }
                } else {
                    let partition = Int.random(in: 0..<4, using: &random)
                    let count = Int.random(in: 0...partitions[partition].count, using: &random)
                    let reported = partitions[partition].prefix(count)
                    partitions[partition].removeFirst(count)
                    acknowledged.formUnion(reported)
                    prefix.acknowledge(reported)
                }
                let expected = entered.prefix { acknowledged.contains($0) }.last ?? 0
                #expect(prefix.position == expected)
            }
        }
    }
}
