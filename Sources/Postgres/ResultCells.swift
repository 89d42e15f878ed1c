import Glibc

/// Where the values of a result lie: of a ``ResultSet``, or of rows that were made in memory.
///
/// libpq checks row and column at each question for a value's length and again for its place. A reader that looks at the
/// same values several times asks here.
///
/// `@unchecked Sendable`: neither the values nor the tables change after they were made.
@safe package final class ResultCells: @unchecked Sendable {
    /// How many rows there are.
    package let count: Int
    /// How many columns each row has.
    package let columnCount: Int
    /// The bytes of memory that the values and the tables take.
    package let memorySize: Int
    /// Whether text came as it is stored, see ``ResultSet/isTextUnchecked``.
    package let isTextUnchecked: Bool
    /// The columns that are NULL in some row, a bit for each of the first 64.
    package let nullColumns: UInt64
    private let types: [UInt32]
    private let cellCount: Int
    private let source: Source

    /// Freed with this object. Flat pointers, so that to look at a value neither retains nor releases anything.
    @unsafe private enum Source {
        /// Places in the result's memory; a length of -1 for NULL.
        case result(
            Unmanaged<ResultSet>, starts: UnsafeMutablePointer<UnsafeRawPointer>, lengths: UnsafeMutablePointer<Int32>)
        /// Places in one block, with each value's length before it.
        case arena(UnsafeMutableRawPointer, offsets: UnsafeMutablePointer<UInt32>)
    }

    /// The values of a result, which lives as long as this.
    package init(_ result: ResultSet) {
        count = result.count
        types = (0..<result.columnCount).map { result.type(column: $0) }
        columnCount = types.count
        cellCount = count * types.count
        isTextUnchecked = result.isTextUnchecked
        memorySize = result.memorySize + cellCount * (MemoryLayout<UInt>.stride + MemoryLayout<Int32>.stride)
        let starts = UnsafeMutablePointer<UnsafeRawPointer>.allocate(capacity: cellCount)
        let lengths = UnsafeMutablePointer<Int32>.allocate(capacity: cellCount)
        var cell = 0
        var nulls: UInt64 = 0
        for row in 0..<result.count {
            for column in 0..<types.count {
                let (start, length) = unsafe result.place(row: row, column: column)
                unsafe (starts + cell).initialize(to: start)
                let isNull = length == 0 && result.isNull(row: row, column: column)
                if isNull { nulls |= 1 << UInt64(column) }
                unsafe (lengths + cell).initialize(to: isNull ? -1 : length)
                cell += 1
            }
        }
        nullColumns = nulls
        unsafe source = .result(.passRetained(result), starts: starts, lengths: lengths)
    }

    /// Takes ownership of the memory of rows, which `malloc` gave.
    ///
    /// - Parameter offsets: where in the bytes each value begins, row by row, four bytes behind its length.
    init(
        taking bytes: UnsafeMutableRawPointer, byteCount: Int, offsets: UnsafeMutablePointer<UInt32>, rowCount: Int,
        types: [UInt32], isTextUnchecked: Bool = false
    ) {
        self.isTextUnchecked = isTextUnchecked
        var nulls: UInt64 = 0
        for cell in 0..<rowCount * types.count {
            let length = unsafe (UnsafeRawPointer(bytes) + Int(offsets[cell]) - 4).loadUnaligned(as: Int32.self)
            if length < 0 { nulls |= 1 << UInt64(cell % types.count) }
        }
        nullColumns = nulls
        self.count = rowCount
        self.types = types
        columnCount = types.count
        cellCount = rowCount * types.count
        memorySize = byteCount + cellCount * MemoryLayout<UInt32>.stride
        unsafe source = .arena(bytes, offsets: offsets)
    }

    deinit {
        switch unsafe source {
        case .result(let result, let starts, let lengths):
            unsafe starts.deallocate()
            unsafe lengths.deallocate()
            unsafe result.release()
        case .arena(let bytes, let offsets):
            unsafe free(bytes)
            unsafe free(offsets)
        }
    }

    /// The object id of the column's type. The column must exist.
    package func type(column: Int) -> UInt32 {
        types[column]
    }

    /// Whether the column of the row is NULL. Row and column must exist.
    package func isNull(row: Int, column: Int) -> Bool {
        unsafe place(row, column).length < 0
    }

    /// The column's bytes, empty for NULL; they live as long as this. Row and column must exist.
    @_lifetime(borrow self)
    package func bytes(row: Int, column: Int) -> RawSpan {
        let (start, length) = unsafe place(row, column)
        let span = unsafe RawSpan(_unsafeStart: start, byteCount: Int(max(0, length)))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    private func place(_ row: Int, _ column: Int) -> (start: UnsafeRawPointer, length: Int32) {
        let cell = row &* columnCount &+ column
        precondition(column >= 0 && column < columnCount && cell >= 0 && cell < cellCount, "no such row or column")
        switch unsafe source {
        case .result(_, let starts, let lengths): return unsafe (starts[cell], lengths[cell])
        case .arena(let bytes, let offsets):
            let start = unsafe UnsafeRawPointer(bytes) + Int(offsets[cell])
            return unsafe (start, Int32(bigEndian: (start - 4).loadUnaligned(as: Int32.self)))
        }
    }
}
