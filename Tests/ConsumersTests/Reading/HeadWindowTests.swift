import TestSupport
import Testing

@testable import Consumers

@Suite struct HeadWindowTests {
    private let writer = Writer(virtualTransaction: "3/1", isPrepared: false)

    @Test func `rows are released as far as they follow each other`() {
        var window = HeadWindow(released: 10)
        window.readNewer([11, 12, 14, 17], through: 17)
        #expect(window.released == 12)
        #expect(window.missing == [13...13, 15...16])
        window.readMissing([13, 16], in: window.wanted, isCut: false)
        #expect(window.released == 14)
        #expect(window.missing == [15...15])
    }

    @Test func `a missing position is dismissed by a read that follows the horizon, not by the horizon alone`() {
        var window = HeadWindow(released: 0)
        window.looked(lastDrawn: 3, writers: [writer])
        window.readNewer([1, 3], through: 3)
        window.looked(lastDrawn: 3, writers: [])
        #expect(window.released == 1, "the writer may have committed position 2 just now")
        window.readMissing([], in: window.wanted, isCut: false)
        #expect(window.released == 3)
        #expect(!window.hasGap)
    }

    @Test func `the last position that there can be is read like any other`() {
        let last = Int64.max
        var window = HeadWindow(released: last - 4)
        window.readNewer([last - 3, last], through: last)
        #expect(window.released == last - 3 && window.missing == [(last - 2)...(last - 1)])
        window.looked(lastDrawn: last, writers: [])
        window.readMissing([last - 1], in: window.wanted, isCut: false)
        #expect(window.released == last && !window.hasGap)
        window.readNewer([], through: last)
        #expect(window.released == last && window.readThrough == last)
    }

    @Test func `a read of missing positions that was cut dismisses none behind its last row`() {
        var window = HeadWindow(released: 0)
        window.looked(lastDrawn: 7, writers: [writer])
        window.readNewer([7], through: 7)
        // The writer has committed positions 1 to 6; the read has room for three of them.
        window.looked(lastDrawn: 8, writers: [])
        window.readMissing([1, 2, 3], in: window.wanted, isCut: true)
        #expect(window.released == 3)
        window.readNewer([8], through: 8)
        #expect(window.released == 3)
        #expect(window.missing == [4...6], "what the read had no room for is still to be read")
    }

    @Test func `positions behind the last row are missing only where the last drawn one is known to be read`() {
        var window = HeadWindow(released: 0)
        window.looked(lastDrawn: 5, writers: [writer])
        window.readNewer([1], through: 5)
        #expect(window.released == 1 && window.missing == [2...5])
        #expect(window.heldBackBy == [writer])
        window.looked(lastDrawn: 5, writers: [])
        window.readMissing([4], in: window.wanted, isCut: false)
        #expect(window.released == 5)
    }

    @Test func `a jump to the horizon leaves everything before it to others`() {
        var window = HeadWindow(released: 0)
        window.readNewer([2], through: 2)
        var jumps = [window.jumpToHorizon()]
        window.looked(lastDrawn: 50, writers: [])
        for _ in 0..<2 { jumps.append(window.jumpToHorizon()) }
        #expect(jumps == [false, true, false])
        #expect(window.released == 50 && window.readThrough == 50 && !window.hasGap)
    }

    @Test func `what was read for less is read again`() {
        var window = HeadWindow(released: 0)
        window.readNewer([1, 3], through: 3)
        window.readAgain()
        #expect(window.readThrough == 1 && window.released == 1 && !window.hasGap)
        window.readNewer([2, 3], through: 3)
        #expect(window.released == 3)
    }

    @Test func `while many positions are missing, nothing newer is asked for, and never more than a bounded number`() {
        var window = HeadWindow(released: 0)
        let rows = 100
        var next: Int64 = 2
        while window.mayReadNewer {
            // Every other position is missing.
            window.readNewer((0..<Int64(rows)).map { next + 2 * $0 }, through: next + 2 * Int64(rows) - 2)
            next += 2 * Int64(rows)
            #expect(window.missing.count < HeadWindow.mostRanges + rows)
        }
        #expect(window.wanted.count == HeadWindow.mostRanges)
        window.looked(lastDrawn: next, writers: [])
        window.readMissing([], in: window.wanted, isCut: false)
        #expect(window.mayReadNewer)
        #expect(window.released == window.readThrough)
    }

    @Test func `every row is read once and released in time, whatever the writers do`() {
        for seed in seeds(2_000, of: "head windows") {
            var history = WindowHistory(seed: seed)
            var faults = history.run(steps: 250)
            if faults.isEmpty, !history.settlesWhenQuiet() {
                faults = history.faults + ["not settled at \(history.window.released)"]
            }
            guard faults.isEmpty else {
                Issue.record("GODWIT_SEED=\(seed): \(faults)")
                return
            }
        }
    }
}
