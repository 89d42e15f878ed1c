internal import CLibPQ

/// Where the values of a result lie, read from libpq once.
///
/// libpq checks row and column at each question for a value's length and again for its place; whoever looks at the same
/// values several times asks here.
///
/// `@unchecked Sendable`: the table does not change after it was made, and neither does the result.
@safe package final class ResultCells: @unchecked Sendable {
    package let result: ResultSet
    /// How many columns each row has.
    private let columns: Int
    private let count: Int
    private let starts: UnsafeMutablePointer<UnsafeRawPointer>
    /// -1 for NULL.
    private let lengths: UnsafeMutablePointer<Int32>

    package init(_ result: ResultSet) {
        self.result = result
        columns = result.columnCount
        count = result.count * columns
        unsafe starts = .allocate(capacity: count)
        unsafe lengths = .allocate(capacity: count)
        for row in 0..<result.count {
            for column in 0..<columns {
                let cell = row * columns + column
                let (start, length) = unsafe result.place(row: row, column: column)
                unsafe (starts + cell).initialize(to: start)
                let isNull = length == 0 && result.isNull(row: row, column: column)
                unsafe (lengths + cell).initialize(to: isNull ? -1 : length)
            }
        }
    }

    deinit {
        unsafe starts.deallocate()
        unsafe lengths.deallocate()
    }

    /// The bytes of the result and of this table.
    package var memorySize: Int {
        result.memorySize + count * (MemoryLayout<UInt>.stride + MemoryLayout<Int32>.stride)
    }

    /// Whether the column of the row is NULL. Row and column must exist.
    package func isNull(row: Int, column: Int) -> Bool {
        unsafe lengths[cell(row, column)] < 0
    }

    /// The column's bytes, empty for NULL. Row and column must exist.
    @_lifetime(borrow self)
    package func bytes(row: Int, column: Int) -> RawSpan {
        let cell = cell(row, column)
        let span = unsafe RawSpan(_unsafeStart: starts[cell], byteCount: Int(max(0, lengths[cell])))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    private func cell(_ row: Int, _ column: Int) -> Int {
        let cell = row &* columns &+ column
        precondition(column >= 0 && column < columns && cell >= 0 && cell < count, "no such row or column")
        return cell
    }
}
