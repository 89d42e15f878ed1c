import Glibc

/// The bytes of a `COPY … TO STDOUT (FORMAT binary)` in one block that grows, and where the values lie in it.
///
/// The bytes stay as they came. A value's length is before it in the stream, so that four bytes a value are enough to
/// find it again.
///
/// Source: PostgreSQL documentation, COPY, "Binary Format".
@safe struct CopyArena: ~Copyable {
    private enum Stage {
        case header, rows, complete
    }

    private let columnCount: Int
    private var stage = Stage.header
    private var bytes: UnsafeMutableRawPointer
    private var capacity: Int
    private var used = 0
    /// Up to where the stream is understood: the begin of a row, unless that row is complete.
    private var parsed = 0
    /// Where each value begins, row by row.
    private var offsets: UnsafeMutablePointer<UInt32>
    private var offsetCapacity: Int
    private var offsetCount = 0
    private var rowCount = 0

    static let signature: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF] + Array("\r\n\0".utf8)
    private static let headerSize = 19

    /// - Parameter columnCount: how many columns each row must have.
    init(columnCount: Int) {
        self.columnCount = columnCount
        capacity = 1 << 16
        offsetCapacity = max(64 * columnCount, 1)
        unsafe bytes = Self.resized(nil, to: capacity)
        unsafe offsets = Self.resized(nil, to: offsetCapacity * MemoryLayout<UInt32>.stride)
            .assumingMemoryBound(to: UInt32.self)
    }

    deinit {
        unsafe free(bytes)
        unsafe free(offsets)
    }

    /// Takes in a part of the stream, wherever it was cut.
    ///
    /// - Throws: `decoding` if it is not in the format; the arena is of no use then.
    mutating func append(_ data: UnsafeRawBufferPointer) throws(PostgresError) {
        guard let start = data.baseAddress, data.count > 0 else { return }
        guard data.count <= Int(UInt32.max) - used else { throw malformed("it is larger than 4 GiB") }
        if used + data.count > capacity {
            capacity = max(2 * capacity, used + data.count)
            unsafe bytes = Self.resized(bytes, to: capacity)
        }
        unsafe memcpy(bytes + used, start, data.count)
        used += data.count
        if stage == .header { try parseHeader() }
        if stage == .rows { try parseRows() }
        if stage == .complete, parsed < used { throw malformed("something follows its end") }
    }

    /// The rows, with the types of their columns.
    ///
    /// - Throws: `decoding` if the stream has not come to its end.
    consuming func finish(
        types: [UInt32], isTextUnchecked: Bool = false
    ) throws(PostgresError) -> ResultCells {
        precondition(types.count == columnCount)
        guard stage == .complete else {
            let failure = malformed("it ends too early")
            _ = consume self
            throw failure
        }
        let bytes = unsafe Self.resized(self.bytes, to: max(used, 1))
        let offsets = unsafe Self.resized(self.offsets, to: max(offsetCount, 1) * MemoryLayout<UInt32>.stride)
        let cells = unsafe ResultCells(
            taking: bytes, byteCount: used, offsets: offsets.assumingMemoryBound(to: UInt32.self), rowCount: rowCount,
            types: types, isTextUnchecked: isTextUnchecked)
        discard self
        return cells
    }

    // MARK: The format

    private mutating func parseHeader() throws(PostgresError) {
        guard used >= Self.headerSize else { return }
        guard unsafe memcmp(bytes, Self.signature, Self.signature.count) == 0 else {
            throw malformed("it does not begin with the signature")
        }
        // The upper half of the flags changes the format, the lower does not.
        guard integer(at: 11, as: UInt32.self) >> 16 == 0 else { throw malformed("it has unknown flags") }
        let extensionSize = Int(integer(at: 15, as: Int32.self))
        guard extensionSize >= 0 else { throw malformed("its header has a negative length") }
        guard extensionSize <= used - Self.headerSize else { return }
        parsed = Self.headerSize + extensionSize
        stage = .rows
    }

    /// A row that has not come as a whole is looked at again when more has come; the server sends one a message.
    private mutating func parseRows() throws(PostgresError) {
        while used - parsed >= 2 {
            let count = Int(integer(at: parsed, as: Int16.self))
            if count == -1 {
                parsed += 2
                stage = .complete
                return
            }
            guard count == columnCount else { throw malformed("a row has \(count) columns instead of \(columnCount)") }
            if offsetCount + columnCount > offsetCapacity {
                offsetCapacity *= 2
                unsafe offsets = Self.resized(offsets, to: offsetCapacity * MemoryLayout<UInt32>.stride)
                    .assumingMemoryBound(to: UInt32.self)
            }
            var position = parsed + 2
            for column in 0..<columnCount {
                guard used - position >= 4 else { return }
                let length = Int(integer(at: position, as: Int32.self))
                position += 4
                unsafe offsets[offsetCount + column] = UInt32(truncatingIfNeeded: position)
                if length > 0 {
                    guard length <= used - position else { return }
                    position += length
                } else if length < -1 {
                    throw malformed("a value has a negative length")
                }
            }
            offsetCount += columnCount
            rowCount += 1
            parsed = position
        }
    }

    private func integer<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Value.Type) -> Value {
        unsafe Value(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
    }

    private func malformed(_ reason: String) -> PostgresError {
        PostgresError(.decoding, "the server's copy of the rows cannot be read: \(reason)")
    }

    private static func resized(_ pointer: UnsafeMutableRawPointer?, to size: Int) -> UnsafeMutableRawPointer {
        guard let pointer = unsafe realloc(pointer, size) else { fatalError("out of memory") }
        return unsafe pointer
    }
}
