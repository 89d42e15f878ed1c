/// How far a segment's events are in Kafka without a gap, though partitions acknowledge in any order.
///
/// A pure value. Positions are entered in ascending order as they are handed over; a checkpoint may stand at
/// ``position`` and nowhere behind it.
package struct AcknowledgedPrefix: Sendable {
    /// The last position without a gap before it; where it started, as long as nothing is acknowledged.
    package private(set) var position: Int64

    private var positions: [Int64] = []
    private var isAcknowledged: [Bool] = []
    /// Entries before it are part of the prefix.
    private var head = 0

    package init(after position: Int64) { self.position = position }

    /// Positions handed over and not yet part of the prefix.
    package var openCount: Int { positions.count - head }

    /// Enters positions that are handed over, in ascending order, all behind those entered before.
    package mutating func enter(_ new: some Sequence<Int64>) {
        for position in new {
            precondition(position > (positions.last ?? self.position), "positions are entered in ascending order")
            positions.append(position)
            isAcknowledged.append(false)
        }
    }

    /// Notes that a position is in the log. Positions that were never entered, or are in the prefix, change nothing.
    package mutating func acknowledge(_ position: Int64) {
        guard let index = index(of: position) else { return }
        isAcknowledged[index] = true
        advance()
    }

    /// Notes a stretch of positions at once.
    package mutating func acknowledge(_ acknowledged: some Sequence<Int64>) {
        for position in acknowledged {
            if let index = index(of: position) { isAcknowledged[index] = true }
        }
        advance()
    }

    private mutating func advance() {
        while head < positions.count, isAcknowledged[head] {
            position = positions[head]
            head += 1
        }
        // Forgets what is done with, seldom enough to cost next to nothing per event.
        if head > 1_024, head * 2 > positions.count {
            positions.removeFirst(head)
            isAcknowledged.removeFirst(head)
            head = 0
        }
    }

    private func index(of position: Int64) -> Int? {
        var (low, high) = (head, positions.count)
        while low < high {
            let middle = (low + high) / 2
            if positions[middle] < position { low = middle + 1 } else { high = middle }
        }
        return low < positions.count && positions[low] == position ? low : nil
    }
}
