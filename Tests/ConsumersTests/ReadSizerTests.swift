import EventSourcing
import TestSupport
import Testing

@testable import Consumers

@Suite struct ReadBoundsTests {
    /// What the server answers a read with: the sizes of the payloads that come, and how many rows there are.
    private func answer(_ sizes: ArraySlice<Int>, rows: Int, _ bound: PayloadLimit) -> (came: [Int], count: Int) {
        let limited = Array(sizes.prefix(rows))
        switch bound {
        case .none: return (limited, limited.count)
        case .perRow(let bytes): return (Array(limited.prefix { $0 <= bytes }), limited.count)
        case .cumulative(let bytes):
            var total = 0
            let came = limited.prefix { size in
                defer { total += size }
                return total < bytes
            }
            return (Array(came), limited.count)
        }
    }

    @Test(arguments: 0..<200) func `everything is read, in few reads, and none takes more than it may`(_ seed: Int) {
        var random = Seeded(UInt64(seed))
        // A few rows, or so many that reads grow.
        let scale = seed % 2 == 0 ? 1 : 60
        let rows = Int.random(in: 1...50, using: &random) * scale
        let bytes = Int.random(in: 10...10_000, using: &random) * scale
        let largest = Int.random(in: 0...5_000, using: &random)
        let small = bytes / rows
        var sizes: [Int] = []
        for _ in 0..<Int.random(in: 0...20, using: &random) {
            let most = Bool.random(using: &random) ? small : largest
            sizes += (0..<Int.random(in: 0...60 * scale, using: &random)).map { _ in
                Int.random(in: 0...most, using: &random)
            }
        }
        let largeBytes = Int.random(in: 1...bytes, using: &random)
        var bound = ReadSizer(rows: rows, bytes: bytes, largeBytes: largeBytes)
        var read = 0
        var reads = 0
        var empty = 0
        while true {
            let (came, count) = answer(sizes[read...], rows: bound.rows, bound.bound)
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
        let full = sizes.count / min(rows, ReadSizer.firstRows) + sizes.reduce(0, +) / bytes
        #expect(reads <= 3 * (full + 1) + sizes.count { $0 > small })
    }

    @Test func `small payloads cost no adding up, not even after a large one`() {
        var bound = ReadSizer(rows: 10, bytes: 1_000, largeBytes: 1_000)
        #expect(bound.bound == .perRow(100))
        #expect(bound.took(repeatElement(100, count: 3), of: 10) == false)
        #expect(bound.bound == .cumulative(1_000))
        #expect(bound.took([500, 600], of: 10) == false)
        #expect(bound.bound == .cumulative(1_000))
        #expect(bound.took(repeatElement(100, count: 10), of: 10) == false)
        #expect(bound.bound == .perRow(100))
        #expect(bound.took(repeatElement(100, count: 9), of: 9) == true)
    }

    @Test func `reads grow while there is more, as far as the payloads let them`() {
        var bounds = ReadSizer(rows: 4_000, bytes: 4_000_000, largeBytes: 4_000_000)
        func took(_ count: Int, _ size: Int) -> Int {
            _ = bounds.took(repeatElement(size, count: count), of: count)
            return bounds.rows
        }
        #expect(bounds.rows == 500)
        #expect(
            [took(500, 500), took(1_000, 500), took(2_000, 500), took(4_000, 500)] == [1_000, 2_000, 4_000, 4_000])
        #expect(bounds.bound == .perRow(1_000))
        // Nothing more: what comes next is wanted soon.
        #expect(took(3_999, 500) == 500)
        // Each payload of 3,000 bytes still has its share.
        #expect([took(500, 3_000), took(1_000, 3_000)] == [1_000, 1_333])
        #expect(bounds.bound == .perRow(3_000))
        // One has not: the rest comes in smaller reads.
        #expect(bounds.took(repeatElement(3_000, count: 700), of: 1_333) == false)
        #expect(bounds.rows == 500 && bounds.bound == .cumulative(4_000_000))
        var few = ReadSizer(rows: 100, bytes: 4_000_000, largeBytes: 4_000_000)
        #expect(few.took(repeatElement(10, count: 100), of: 100) == false)
        #expect(few.rows == 100)
        var tight = ReadSizer(rows: 4_000, bytes: 4_000_000, largeBytes: 400_000)
        #expect(tight.took(repeatElement(500, count: 500), of: 500) == false)
        #expect(tight.rows == 800)
    }
}
