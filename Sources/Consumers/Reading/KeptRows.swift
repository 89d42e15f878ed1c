import EventSourcing

/// Rows beyond the settled horizon, kept until it reaches them, so that they need not be read again.
struct KeptRows: Sendable {
    private struct Entry {
        let position: Int64
        let rows: LogRows
        let index: Int
    }

    /// In the order of their positions.
    private var entries: ArraySlice<Entry> = []
    /// The memory of the batches that the rows came with, in bytes.
    private(set) var memorySize = 0

    var isEmpty: Bool { entries.isEmpty }

    /// Adds rows that were read together, in the order of their positions.
    mutating func add(_ rows: LogRows) {
        if rows.events.isEmpty { return }
        let new = rows.events.indices.map { Entry(position: rows.events[$0].globalPosition, rows: rows, index: $0) }
        memorySize += rows.memoryPerEvent * new.count
        guard let last = entries.last, let first = new.first, first.position < last.position else {
            entries.append(contentsOf: new)
            return
        }
        var merged: [Entry] = []
        merged.reserveCapacity(entries.count + new.count)
        var (old, added) = (entries[...], new[...])
        while let left = old.first, let right = added.first {
            if left.position <= right.position {
                merged.append(old.removeFirst())
            } else {
                merged.append(added.removeFirst())
            }
        }
        entries = merged[...] + old + added
    }

    /// Takes out the rows up to a position, as few batches as their order allows.
    mutating func release(through position: Int64, isFull: Bool) -> [LogBatch] {
        var batches: [LogBatch] = []
        while let first = entries.first, first.position <= position {
            var count = 1
            while let next = entries.dropFirst(count).first, next.rows === first.rows, next.position <= position,
                next.index == first.index + count
            {
                count += 1
            }
            let last = entries[entries.startIndex + count - 1]
            entries.removeFirst(count)
            memorySize -= first.rows.memoryPerEvent * count
            batches.append(
                LogBatch(
                    first.rows, first.index..<first.index + count, through: last.position,
                    isFull: isFull || !(entries.first.map { $0.position > position } ?? true)))
        }
        // A slice keeps what was taken off its front alive.
        if entries.isEmpty || entries.startIndex > 1_000 { entries = Array(entries)[...] }
        return batches
    }

    mutating func removeAll() {
        entries = []
        memorySize = 0
    }
}
