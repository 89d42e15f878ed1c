import NIOCore

/// Reads the fields of one message, in either of the protocol's two encodings.
///
/// `flexible` picks the compact encoding with tagged fields; the message types then read the same way for all versions.
/// Every length is checked against what is left, so that no claim of a frame makes the broker allocate.
struct WireReader {
    private(set) var buffer: ByteBuffer
    var flexible: Bool

    init(_ buffer: ByteBuffer, flexible: Bool = false) {
        self.buffer = buffer
        self.flexible = flexible
    }

    var remaining: Int { buffer.readableBytes }

    mutating func int8() throws(WireError) -> Int8 { try integer() }
    mutating func int16() throws(WireError) -> Int16 { try integer() }
    mutating func int32() throws(WireError) -> Int32 { try integer() }
    mutating func int64() throws(WireError) -> Int64 { try integer() }
    mutating func bool() throws(WireError) -> Bool { try int8() != 0 }

    mutating func uuid() throws(WireError) -> KafkaUUID {
        KafkaUUID(high: try integer(), low: try integer())
    }

    private mutating func integer<T: FixedWidthInteger>() throws(WireError) -> T {
        guard let value = buffer.readInteger(as: T.self) else { throw .truncated }
        return value
    }

    mutating func unsignedVarint() throws(WireError) -> UInt32 {
        var value: UInt32 = 0
        for shift in stride(from: UInt32(0), through: 28, by: 7) {
            let byte: UInt8 = try integer()
            value |= UInt32(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw .badVarint
    }

    /// A zigzag-encoded number of at most 64 bits, as records use it.
    mutating func varlong() throws(WireError) -> Int64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            let byte: UInt8 = try integer()
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
        }
        throw .badVarint
    }

    /// The length in front of a string, bytes or an array; nil means null.
    private mutating func length(classicWidth: Int) throws(WireError) -> Int? {
        let length: Int
        if flexible {
            length = Int(try unsignedVarint()) - 1
        } else if classicWidth == 2 {
            length = Int(try int16())
        } else {
            length = Int(try int32())
        }
        if length == -1 { return nil }
        guard length >= 0, length <= remaining else { throw .badLength }
        return length
    }

    mutating func nullableString() throws(WireError) -> String? {
        guard let length = try length(classicWidth: 2) else { return nil }
        guard let text = buffer.readString(length: length) else { throw .truncated }
        return text
    }

    mutating func string() throws(WireError) -> String {
        guard let text = try nullableString() else { throw .unexpectedNull }
        return text
    }

    mutating func nullableBytes() throws(WireError) -> ByteBuffer? {
        guard let length = try length(classicWidth: 4) else { return nil }
        guard let bytes = buffer.readSlice(length: length) else { throw .truncated }
        return bytes
    }

    mutating func bytes() throws(WireError) -> ByteBuffer {
        guard let bytes = try nullableBytes() else { throw .unexpectedNull }
        return bytes
    }

    mutating func slice(_ length: Int) throws(WireError) -> ByteBuffer {
        guard length >= 0, let bytes = buffer.readSlice(length: length) else { throw .badLength }
        return bytes
    }

    mutating func nullableArray<T>(
        _ element: (inout WireReader) throws(WireError) -> T
    ) throws(WireError) -> [T]? {
        guard let count = try length(classicWidth: 4) else { return nil }
        var items: [T] = []
        items.reserveCapacity(min(count, 64))
        for _ in 0..<count { items.append(try element(&self)) }
        return items
    }

    mutating func array<T>(_ element: (inout WireReader) throws(WireError) -> T) throws(WireError) -> [T] {
        guard let items = try nullableArray(element) else { throw .unexpectedNull }
        return items
    }

    mutating func int32Array() throws(WireError) -> [Int32] {
        try array { (reader) throws(WireError) in try reader.int32() }
    }

    mutating func stringArray() throws(WireError) -> [String] {
        try array { (reader) throws(WireError) in try reader.string() }
    }

    /// Skips the tagged fields at the end of a structure; does nothing in the classic encoding.
    mutating func tags() throws(WireError) {
        guard flexible else { return }
        let count = try unsignedVarint()
        guard Int(count) <= remaining else { throw .badLength }
        for _ in 0..<count {
            _ = try unsignedVarint()
            let size = Int(try unsignedVarint())
            guard size <= remaining else { throw .badLength }
            buffer.moveReaderIndex(forwardBy: size)
        }
    }
}
