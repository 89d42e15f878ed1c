import TestSupport
import Testing

@testable import Consumers

@Suite struct KeptRowsTests {
    @Test func `rows come out in the order of their positions, whatever reads they came with`() throws {
        var kept = KeptRows()
        kept.add(try MadeUpEvents.rows([2, 5, 6]))
        kept.add(try MadeUpEvents.rows([9]))
        kept.add(try MadeUpEvents.rows([1, 3, 4]))
        #expect(kept.release(through: 4, isFull: false).map(\.positions) == [[1], [2], [3, 4]])
        #expect(kept.release(through: 4, isFull: false).isEmpty)
        let rest = kept.release(through: 9, isFull: true)
        #expect(rest.map(\.positions) == [[5, 6], [9]])
        #expect(rest.map(\.through) == [6, 9])
        #expect(kept.isEmpty && kept.memorySize == 0)
    }

    @Test func `a batch is full while more follows at once`() throws {
        var kept = KeptRows()
        kept.add(try MadeUpEvents.rows([1, 3]))
        kept.add(try MadeUpEvents.rows([2]))
        #expect(kept.release(through: 2, isFull: false).map(\.isFull) == [true, false])
        #expect(kept.release(through: 3, isFull: true).map(\.isFull) == [true])
    }

    @Test func `rows that are dropped take no memory`() throws {
        let memory = MemoryBudget.unbounded
        var kept = KeptRows()
        kept.add(try MadeUpEvents.rows([1, 2], memory: memory))
        #expect(kept.memorySize > 0 && memory.bytesUsed > 0)
        kept.removeAll()
        #expect(kept.isEmpty && kept.memorySize == 0)
        #expect(memory.bytesUsed == 0)
    }

    @Test func `each row comes out once, as soon as it may and no sooner`() throws {
        for seed in seeds(400, of: "kept rows") {
            var random = Seeded(seed)
            let memory = MemoryBudget.unbounded
            var kept = KeptRows()
            // Positions that may come, of which some never do, and some late.
            var coming = Set(Int64(1)...Int64.random(in: 1...80, using: &random))
            var expected: [Int64] = []
            var came: [Int64] = []
            var released: Int64 = 0
            while !coming.isEmpty {
                let positions = coming.filter { _ in Int.random(in: 0..<4, using: &random) == 0 }.sorted()
                coming.subtract(positions)
                expected += positions
                kept.add(try MadeUpEvents.rows(positions, memory: memory))
                // No row comes at or below what was released.
                let bound = (coming.min() ?? 100) - 1
                released = max(released, Int64.random(in: 0...bound, using: &random))
                for batch in kept.release(through: released, isFull: false) {
                    #expect(batch.through == batch.positions.last, "GODWIT_SEED=\(seed)")
                    came += batch.positions
                }
                let due = expected.filter { $0 <= released }.sorted()
                guard came == due else {
                    Issue.record("GODWIT_SEED=\(seed): released through \(released): \(came), not \(due)")
                    return
                }
            }
            came += kept.release(through: .max, isFull: false).flatMap(\.positions)
            #expect(came == expected.sorted(), "GODWIT_SEED=\(seed)")
            #expect(kept.memorySize == 0 && memory.bytesUsed == 0, "GODWIT_SEED=\(seed)")
        }
    }
}
