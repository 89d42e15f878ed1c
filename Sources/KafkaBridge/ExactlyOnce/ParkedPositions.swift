/// Positions of parked events of a segment, ascending. A pure value.
///
/// Of these the table of dead letters says what they are, which may have lost its last commits: what is not named here, and
/// lies before the last delivered event, counts as delivered.
package struct ParkedPositions: Sendable, Equatable {
    package private(set) var all: [Int64]
    /// The last one that is not named any more, because the checkpoint has passed it; `nil` if all are. From a checkpoint
    /// before it, parked and delivered events cannot be distinguished.
    package private(set) var forgotten: Int64?

    init(_ all: [Int64] = [], forgotten: Int64? = nil) {
        self.all = all.sorted()
        self.forgotten = forgotten
    }

    /// So many are named behind the checkpoint too, so that a server that has lost its last commits is none to refuse.
    static let kept = 200

    mutating func insert(_ position: Int64) {
        let place = place(of: position)
        if place < all.endIndex, all[place] == position { return }
        all.insert(position, at: place)
    }

    mutating func remove(_ positions: Set<Int64>) {
        if !positions.isEmpty, !all.isEmpty { all.removeAll { positions.contains($0) } }
    }

    mutating func formUnion(_ other: ParkedPositions) {
        for position in other.all { insert(position) }
        if let last = other.forgotten { forgotten = max(forgotten ?? last, last) }
    }

    /// The database has a checkpoint: what was parked up to there need not be named any more, but the last of it.
    mutating func forget(through checkpoint: Int64) {
        let covered = place(of: checkpoint) + (contains(checkpoint) ? 1 : 0)
        let passed = min(all.count - Self.kept, covered)
        guard passed > 0 else { return }
        forgotten = max(forgotten ?? 0, all[passed - 1])
        all.removeFirst(passed)
    }

    func contains(_ position: Int64) -> Bool {
        let place = place(of: position)
        return place < all.endIndex && all[place] == position
    }

    /// Where a position is, or would be.
    private func place(of position: Int64) -> Int {
        if all.last.map({ $0 < position }) ?? true { return all.endIndex }
        var (low, high) = (all.startIndex, all.endIndex)
        while low < high {
            let middle = (low + high) / 2
            if all[middle] < position { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
