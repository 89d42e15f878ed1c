import EventSourcing
import TestSupport
import Testing

@testable import Consumers

@Suite struct PayloadBoundTests {
    /// What the server answers a read with: the sizes of the payloads that come, and how many rows there are.
    private func answer(_ sizes: ArraySlice<Int>, rows: Int, _ bound: ByteBound) -> (came: [Int], count: Int) {
        let limited = Array(sizes.prefix(rows))
        switch bound {
        case .none: return (limited, limited.count)
        case .each(let bytes): return (Array(limited.prefix { $0 <= bytes }), limited.count)
        case .total(let bytes):
            var total = 0
            let came = limited.prefix { size in
                defer { total += size }
                return total < bytes
            }
            return (Array(came), came.count)
        }
    }

    @Test(arguments: 0..<200) func `everything is read, in few reads, and none takes more than it may`(_ seed: Int) {
        var random = Seeded(UInt64(seed))
        let rows = Int.random(in: 1...50, using: &random)
        let bytes = Int.random(in: 10...10_000, using: &random)
        let largest = Int.random(in: 0...5_000, using: &random)
        let small = bytes / rows
        var sizes: [Int] = []
        for _ in 0..<Int.random(in: 0...20, using: &random) {
            let most = Bool.random(using: &random) ? small : largest
            sizes += (0..<Int.random(in: 0...60, using: &random)).map { _ in Int.random(in: 0...most, using: &random) }
        }
        var bound = PayloadBound(rows: rows, bytes: bytes)
        var read = 0
        var reads = 0
        var empty = 0
        while true {
            let (came, count) = answer(sizes[read...], rows: rows, bound.bound)
            let isComplete = bound.took(came, of: count)
            reads += 1
            read += came.count
            #expect(came.dropLast().reduce(0, +) < max(1, bytes))
            empty = came.isEmpty && !isComplete ? empty + 1 : 0
            #expect(empty <= 1, "two reads without a row")
            if empty > 1 { return }
            if isComplete { break }
        }
        #expect(read == sizes.count)
        let full = sizes.count / rows + sizes.reduce(0, +) / bytes
        #expect(reads <= 3 * (full + 1) + sizes.count { $0 > small })
    }

    @Test func `small payloads cost no adding up, not even after a large one`() {
        var bound = PayloadBound(rows: 10, bytes: 1_000)
        #expect(bound.bound == .each(100))
        #expect(bound.took(repeatElement(100, count: 3), of: 10) == false)
        #expect(bound.bound == .total(1_000))
        #expect(bound.took([500, 600], of: 2) == false)
        #expect(bound.bound == .total(1_000))
        #expect(bound.took(repeatElement(100, count: 10), of: 10) == false)
        #expect(bound.bound == .each(100))
        #expect(bound.took(repeatElement(100, count: 9), of: 9) == true)
    }
}
