/// What the head has read beyond the last position it has released, and which positions are missing there.
///
/// Rows become visible out of order, so each read may leave gaps. A missing position is waited for until it appears or is
/// dismissed: it lies at or below the settled horizon, and a read whose snapshot is younger than the horizon has not
/// found it. Everything before the first missing position is released.
///
/// Only the missing positions and what is newer are asked for, so that a row is read once, however long an open
/// transaction holds others back. Facts in, decisions out: no I/O, no clock.
struct HeadWindow: Sendable {
    private(set) var horizon = SettledHorizon()
    /// Everything up to here is settled and read.
    private(set) var released: Int64
    /// Rows behind this position have not been asked for.
    private(set) var readThrough: Int64
    /// The positions between `released` and `readThrough` that no read has found; ascending, disjoint, not adjacent.
    private(set) var missing: [ClosedRange<Int64>] = []

    /// So many ranges of missing positions are asked for at a time, and nothing newer while there are as many.
    static let mostRanges = 500

    /// - Parameter position: everything up to here is settled.
    init(released position: Int64) {
        released = position
        readThrough = position
        horizon.settled(through: position)
    }

    /// Whether some position is missing.
    var hasGap: Bool { !missing.isEmpty }

    /// Those who hold the release back.
    var heldBackBy: Set<Writer> { hasGap ? horizon.heldBackBy : [] }

    /// The missing positions to ask for next.
    var wanted: [ClosedRange<Int64>] { Array(missing.prefix(Self.mostRanges)) }

    /// Whether newer rows may be asked for.
    var mayReadNewer: Bool { missing.count < Self.mostRanges }

    // MARK: Facts of one look, in this order

    /// Takes in the last position drawn and, listed after it, the writers. The reads of the same look come after.
    mutating func looked(lastDrawn: Int64, writers: Set<Writer>) {
        horizon.look(lastDrawn: lastDrawn, writers: writers)
    }

    /// Takes in a read of the ranges ``wanted`` gave.
    ///
    /// - Parameters:
    ///   - positions: of the rows found, ascending.
    ///   - asked: the ranges that were read.
    ///   - isCut: whether the read ended at its last row, before all ranges were read.
    mutating func readMissing(_ positions: [Int64], in asked: [ClosedRange<Int64>], isCut: Bool) {
        missing.remove(positions)
        let end = isCut ? positions.last : asked.last?.upperBound
        if let end, let first = asked.first { dismiss(from: first.lowerBound, through: end) }
        release()
    }

    /// Takes in a read of the rows behind ``readThrough``.
    ///
    /// - Parameters:
    ///   - positions: of the rows found, ascending.
    ///   - end: the last position that was read for certain: the last row's where the read was cut, otherwise any
    ///     position up to which the read would have found all rows; below `readThrough` it counts as that.
    mutating func readNewer(_ positions: [Int64], through end: Int64) {
        // The last position that there can be has none behind it.
        if readThrough == .max { return }
        if positions.last == .max || end == .max {
            readNewer(positions.filter { $0 < .max }, through: min(end, .max - 1))
            if positions.last == .max, readThrough == .max - 1 {
                readThrough = .max
                release()
            }
            return
        }
        let first = readThrough + 1
        var next = first
        for position in positions where position >= next {
            if position > next { addMissing(next...(position - 1)) }
            next = position + 1
        }
        if end >= next {
            addMissing(next...end)
            next = end + 1
        }
        readThrough = next - 1
        // Not what was missing before: this read has not looked for it, and the one that has may have been cut.
        dismiss(from: first, through: readThrough)
        release()
    }

    /// Leaves everything up to the settled horizon to other readers, if that is further than what was read.
    ///
    /// - Returns: whether it is.
    mutating func jumpToHorizon() -> Bool {
        guard horizon.position > readThrough else { return false }
        missing = []
        readThrough = horizon.position
        released = horizon.position
        return true
    }

    /// Forgets what was read and not released, because it was read for less than is wanted now.
    mutating func readAgain() {
        missing = []
        readThrough = released
    }

    private mutating func addMissing(_ range: ClosedRange<Int64>) {
        if let last = missing.last, last.upperBound + 1 == range.lowerBound {
            missing[missing.count - 1] = last.lowerBound...range.upperBound
        } else {
            missing.append(range)
        }
    }

    /// Missing positions that a read has looked for, and that the horizon has passed, will never exist.
    private mutating func dismiss(from first: Int64, through end: Int64) {
        let bound = min(end, horizon.position)
        guard first <= bound, let low = missing.firstIndex(where: { $0.upperBound >= first }) else { return }
        let high = missing[low...].firstIndex { $0.lowerBound > bound } ?? missing.endIndex
        guard low < high else { return }
        var rest: [ClosedRange<Int64>] = []
        if missing[low].lowerBound < first { rest.append(missing[low].lowerBound...(first - 1)) }
        if missing[high - 1].upperBound > bound { rest.append((bound + 1)...missing[high - 1].upperBound) }
        missing.replaceSubrange(low..<high, with: rest)
    }

    private mutating func release() {
        let end = missing.first.map { $0.lowerBound - 1 } ?? readThrough
        assert(end >= released, "what was released stays so")
        released = max(released, end)
        horizon.settled(through: released)
    }
}

extension [ClosedRange<Int64>] {
    /// Takes positions out, both in ascending order.
    fileprivate mutating func remove(_ positions: [Int64]) {
        if positions.isEmpty || isEmpty { return }
        var rest: [ClosedRange<Int64>] = []
        rest.reserveCapacity(count)
        var index = positions.startIndex
        for range in self {
            var low = range.lowerBound
            while index < positions.endIndex, positions[index] < low { index += 1 }
            while index < positions.endIndex, positions[index] <= range.upperBound {
                if positions[index] > low { rest.append(low...(positions[index] - 1)) }
                low = positions[index] + 1
                index += 1
            }
            if low <= range.upperBound { rest.append(low...range.upperBound) }
        }
        self = rest
    }
}
