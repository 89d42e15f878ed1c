/// Rows in PostgreSQL's binary form that were not read from a server, for tests.
///
/// Source: PostgreSQL documentation, COPY, "Binary Format".
package struct CopyWriter {
    private let columnCount: Int
    private var bytes: [UInt8]

    /// - Parameter columnCount: how many columns each row has.
    package init(columnCount: Int) {
        self.columnCount = columnCount
        bytes = CopyArena.signature
        bytes.appendBigEndian(UInt32(0))
        bytes.appendBigEndian(UInt32(0))
    }

    /// Adds a row of as many values as there are columns.
    package mutating func append(_ values: [any PostgresEncodable]) {
        precondition(values.count == columnCount)
        bytes.appendBigEndian(Int16(values.count))
        for value in values {
            let start = bytes.count
            bytes.appendBigEndian(Int32(-1))
            guard value.encode(into: &bytes) else { continue }
            bytes.replaceBigEndian(at: start, with: Int32(truncatingIfNeeded: bytes.count - start - 4))
        }
    }

    /// The rows, with the types of their columns.
    ///
    /// - Throws: `decoding` if they take more than 4 GiB.
    package consuming func finish(types: [UInt32]) throws(PostgresError) -> ResultCells {
        bytes.appendBigEndian(Int16(-1))
        var arena = CopyArena(columnCount: columnCount)
        var failure: PostgresError?
        unsafe bytes.withUnsafeBytes { buffer in
            do throws(PostgresError) {
                unsafe try arena.append(buffer)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return try arena.finish(types: types)
    }
}
