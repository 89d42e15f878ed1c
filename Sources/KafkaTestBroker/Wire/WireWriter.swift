import NIOCore

/// Writes the fields of one message, in either of the protocol's two encodings.
///
/// Large byte runs are kept as slices between the written pieces, so that a fetch answer never copies the log.
struct WireWriter {
    typealias TaggedField = (tag: UInt32, write: (inout WireWriter) -> Void)

    /// Below this many bytes a copy is cheaper than one more piece in the write.
    private static let copyThreshold = 4096

    private var pieces: [ByteBuffer] = []
    private var current: ByteBuffer
    private var finishedBytes = 0
    let flexible: Bool

    init(flexible: Bool = false, capacity: Int = 256) {
        current = ByteBufferAllocator().buffer(capacity: capacity)
        self.flexible = flexible
    }

    var count: Int { finishedBytes + current.readableBytes }

    /// The written pieces, in order.
    consuming func finish() -> [ByteBuffer] {
        pieces.append(current)
        return pieces
    }

    /// The written pieces behind the four bytes, written first, that now get the frame's length.
    consuming func finishFrame() -> [ByteBuffer] {
        let length = Int32(truncatingIfNeeded: count - 4)
        pieces.append(current)
        pieces[0].setInteger(length, at: pieces[0].readerIndex)
        return pieces
    }

    mutating func int8(_ value: Int8) { current.writeInteger(value) }
    mutating func int16(_ value: Int16) { current.writeInteger(value) }
    mutating func int32(_ value: Int32) { current.writeInteger(value) }
    mutating func int64(_ value: Int64) { current.writeInteger(value) }
    mutating func bool(_ value: Bool) { current.writeInteger(value ? 1 : 0, as: UInt8.self) }
    mutating func error(_ code: KafkaErrorCode) { int16(code.rawValue) }

    mutating func uuid(_ value: KafkaUUID) {
        current.writeInteger(value.high)
        current.writeInteger(value.low)
    }

    mutating func unsignedVarint(_ value: UInt32) {
        var rest = value
        while rest >= 0x80 {
            current.writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        current.writeInteger(UInt8(rest))
    }

    mutating func varlong(_ value: Int64) {
        var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        while rest >= 0x80 {
            current.writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        current.writeInteger(UInt8(rest))
    }

    private mutating func length(_ value: Int, classicWidth: Int) {
        if flexible {
            unsignedVarint(UInt32(value + 1))
        } else if classicWidth == 2 {
            int16(Int16(truncatingIfNeeded: value))
        } else {
            int32(Int32(truncatingIfNeeded: value))
        }
    }

    mutating func string(_ value: String?) {
        guard let value else { return length(-1, classicWidth: 2) }
        length(value.utf8.count, classicWidth: 2)
        current.writeString(value)
    }

    mutating func bytes(_ value: ByteBuffer?) {
        guard let value else { return length(-1, classicWidth: 4) }
        length(value.readableBytes, classicWidth: 4)
        raw(value)
    }

    /// Consecutive record batches as one `records` field.
    mutating func records(_ batches: [ByteBuffer]) {
        length(batches.reduce(0) { $0 + $1.readableBytes }, classicWidth: 4)
        for batch in batches { raw(batch) }
    }

    mutating func raw(_ value: ByteBuffer) {
        guard value.readableBytes >= Self.copyThreshold else {
            current.writeImmutableBuffer(value)
            return
        }
        finishedBytes += current.readableBytes + value.readableBytes
        pieces.append(current)
        pieces.append(value)
        current = ByteBufferAllocator().buffer(capacity: 256)
    }

    mutating func array<C: Collection>(_ items: C?, _ element: (inout WireWriter, C.Element) -> Void) {
        guard let items else { return length(-1, classicWidth: 4) }
        length(items.count, classicWidth: 4)
        for item in items { element(&self, item) }
    }

    mutating func int32Array(_ items: [Int32]) {
        array(items) { writer, item in writer.int32(item) }
    }

    /// Closes a structure without tagged fields; writes nothing in the classic encoding.
    mutating func tags() {
        if flexible { unsignedVarint(0) }
    }

    /// Closes a structure with tagged fields, which must come in ascending order.
    mutating func tags(_ fields: [TaggedField]) {
        guard flexible else { return }
        unsignedVarint(UInt32(fields.count))
        for field in fields {
            var body = WireWriter(flexible: true)
            field.write(&body)
            unsignedVarint(field.tag)
            unsignedVarint(UInt32(body.count))
            for piece in body.finish() { raw(piece) }
        }
    }
}
