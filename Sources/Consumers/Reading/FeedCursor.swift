/// How far a feed has come, and what it does after each read.
///
/// A read sees a snapshot, and the horizon is known from before it. Up to the horizon the snapshot is complete. Beyond
/// it, the rows that follow the cursor without a gap are complete too; from the first gap on, something may be missing.
struct FeedCursor: Sendable {
    /// Everything up to here was handed out.
    private(set) var position: Int64

    enum Next: Equatable {
        /// There is more to read at once.
        case readOn
        /// Nothing more was there: wait for a wakeup.
        case rest
        /// Events are there, but behind a gap: look at the horizon.
        case gap
    }

    init(after position: Int64) {
        self.position = position
    }

    /// Takes in a read of all wanted rows up to the horizon.
    ///
    /// - Parameters:
    ///   - last: the last row's position, `nil` if there was no row.
    ///   - isComplete: whether neither limit nor bound cut the read short.
    ///   - horizon: known from before the read's snapshot, and at or ahead of the cursor.
    mutating func tookSettled(last: Int64?, isComplete: Bool, horizon: Int64) -> Next {
        position = max(position, isComplete ? horizon : last ?? position)
        return .readOn
    }

    /// Takes in a read of all rows, whatever their scope, from behind the cursor on.
    ///
    /// - Returns: how many of the rows may be handed out.
    mutating func tookOpen(
        _ positions: some RandomAccessCollection<Int64>, isComplete: Bool
    ) -> (count: Int, next: Next) {
        var count = 0
        for row in positions {
            if row != position + 1 { return (count, .gap) }
            position = row
            count += 1
        }
        return (count, isComplete ? .rest : .readOn)
    }
}
