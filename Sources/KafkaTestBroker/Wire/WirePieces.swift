import NIOCore

/// What a ``Coder`` has written. Large byte runs are kept as slices between the written pieces, so that a fetch answer never copies
/// the log.
struct WirePieces {
    /// Below this many bytes a copy is cheaper than one more piece in the write.
    private static let copyThreshold = 4096

    private var pieces: [ByteBuffer] = []
    private var current: ByteBuffer
    /// The tagged fields of the structure that is being written.
    private var tagged: [(tag: UInt32, body: [ByteBuffer])] = []

    init(capacity: Int) { current = ByteBufferAllocator().buffer(capacity: capacity) }

    mutating func write(_ value: some FixedWidthInteger) { current.writeInteger(value) }
    mutating func write(_ value: String) { current.writeString(value) }

    mutating func write(_ value: ByteBuffer) {
        guard value.readableBytes >= Self.copyThreshold else {
            current.writeImmutableBuffer(value)
            return
        }
        pieces.append(current)
        pieces.append(value)
        current = ByteBufferAllocator().buffer(capacity: 256)
    }

    mutating func writeVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            write(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        write(UInt8(rest))
    }

    /// A length; -1 means null.
    mutating func writeLength(_ length: Int, isFlexible: Bool, isShort: Bool) {
        if isFlexible {
            writeVarint(UInt64(length + 1))
        } else if isShort {
            write(Int16(truncatingIfNeeded: length))
        } else {
            write(Int32(truncatingIfNeeded: length))
        }
    }

    /// Keeps a tagged field for ``closeTags()``.
    mutating func addTag(_ tag: UInt32, _ body: [ByteBuffer]) { tagged.append((tag, body)) }

    /// Writes the tagged fields, or that there are none.
    mutating func closeTags() {
        writeVarint(UInt64(tagged.count))
        for (tag, body) in tagged {
            writeVarint(UInt64(tag))
            writeVarint(UInt64(body.reduce(0) { $0 + $1.readableBytes }))
            for piece in body { write(piece) }
        }
        tagged = []
    }

    consuming func finish() -> [ByteBuffer] {
        pieces.append(current)
        return pieces
    }
}
