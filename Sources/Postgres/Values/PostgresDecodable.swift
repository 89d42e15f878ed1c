public import FoundationEssentials

/// A value that can be read from a result's column in PostgreSQL's binary format.
public protocol PostgresDecodable: PostgresColumnValue {
    /// Reads the binary form of a value that is not NULL; `nil` if type or length do not fit.
    ///
    /// - Parameter type: the object id of the column's PostgreSQL type.
    static func decode(_ bytes: RawSpan, type: UInt32) -> Self?
}

extension RawSpan {
    /// The integer at the offset, big-endian; the caller checks the length.
    func bigEndian<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int = 0, as type: Value.Type) -> Value {
        unsafe Value(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: type))
    }
}

extension Bool: PostgresDecodable {
    /// From `boolean`.
    public static func decode(_ bytes: RawSpan, type: UInt32) -> Bool? {
        type == PostgresType.bool && bytes.byteCount == 1 ? bytes.bigEndian(as: UInt8.self) != 0 : nil
    }
}

extension Int64: PostgresDecodable {
    /// From `bigint`, `integer`, `smallint` or `oid`.
    public static func decode(_ bytes: RawSpan, type: UInt32) -> Int64? {
        switch (type, bytes.byteCount) {
        case (PostgresType.int8, 8): bytes.bigEndian(as: Int64.self)
        case (PostgresType.int4, 4): Int64(bytes.bigEndian(as: Int32.self))
        case (PostgresType.oid, 4): Int64(bytes.bigEndian(as: UInt32.self))
        case (PostgresType.int2, 2): Int64(bytes.bigEndian(as: Int16.self))
        default: nil
        }
    }
}

extension Int: PostgresDecodable {
    /// From `bigint`, `integer`, `smallint` or `oid`.
    public static func decode(_ bytes: RawSpan, type: UInt32) -> Int? {
        Int64.decode(bytes, type: type).map(Int.init)
    }
}

extension Int32: PostgresDecodable {
    /// From `integer` or `smallint`.
    public static func decode(_ bytes: RawSpan, type: UInt32) -> Int32? {
        Int64.decode(bytes, type: type).flatMap { Int32(exactly: $0) }
    }
}

extension Int16: PostgresDecodable {
    /// From `smallint`.
    public static func decode(_ bytes: RawSpan, type: UInt32) -> Int16? {
        Int64.decode(bytes, type: type).flatMap { Int16(exactly: $0) }
    }
}

extension UInt32: PostgresDecodable {
    /// From `oid`, or an `integer` that is not negative.
    public static func decode(_ bytes: RawSpan, type: UInt32) -> UInt32? {
        Int64.decode(bytes, type: type).flatMap { UInt32(exactly: $0) }
    }
}

extension Double: PostgresDecodable {
    /// From `double precision` or `real`.
    public static func decode(_ bytes: RawSpan, type: UInt32) -> Double? {
        if let narrow = Float.decode(bytes, type: type) { return Double(narrow) }
        guard type == PostgresType.float8, bytes.byteCount == 8 else { return nil }
        return Double(bitPattern: bytes.bigEndian(as: UInt64.self))
    }
}

extension Float: PostgresDecodable {
    /// From `real`.
    public static func decode(_ bytes: RawSpan, type: UInt32) -> Float? {
        guard type == PostgresType.float4, bytes.byteCount == 4 else { return nil }
        return Float(bitPattern: bytes.bigEndian(as: UInt32.self))
    }
}

extension String: PostgresDecodable {
    /// From `text`, `varchar`, `name`, `json`, `jsonb` and every other type whose binary form is its text.
    public static func decode(_ bytes: RawSpan, type: UInt32) -> String? {
        switch type {
        case PostgresType.text, 18, 19, 114, 1042, 1043, 705:
            unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        // jsonb begins with its format's version.
        case 3802 where bytes.byteCount > 0:
            unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0.dropFirst(), as: UTF8.self) }
        default: nil
        }
    }
}

extension Bytes: PostgresDecodable {
    /// From `bytea`.
    public static func decode(_ bytes: RawSpan, type: UInt32) -> Bytes? {
        guard type == PostgresType.bytea else { return nil }
        return unsafe bytes.withUnsafeBytes { unsafe Bytes(Array($0)) }
    }
}

extension UUID: PostgresDecodable {
    /// From `uuid`.
    public static func decode(_ bytes: RawSpan, type: UInt32) -> UUID? {
        guard type == PostgresType.uuid, bytes.byteCount == 16 else { return nil }
        return unsafe UUID(uuid: bytes.unsafeLoadUnaligned(as: uuid_t.self))
    }
}

extension Date: PostgresDecodable {
    /// From `timestamptz`, to the microsecond.
    public static func decode(_ bytes: RawSpan, type: UInt32) -> Date? {
        guard type == PostgresType.timestamptz, bytes.byteCount == 8 else { return nil }
        return PostgresTimestamp.date(microseconds: bytes.bigEndian(as: Int64.self))
    }
}

extension Array: PostgresDecodable where Element: PostgresDecodable {
    /// From a one-dimensional array without NULLs.
    public static func decode(_ bytes: RawSpan, type: UInt32) -> [Element]? {
        guard bytes.byteCount >= 12 else { return nil }
        if bytes.bigEndian(as: Int32.self) == 0 { return [] }
        guard bytes.bigEndian(as: Int32.self) == 1, bytes.byteCount >= 20 else { return nil }
        let elementType = bytes.bigEndian(at: 8, as: UInt32.self)
        let count = Int(bytes.bigEndian(at: 12, as: Int32.self))
        guard count >= 0 else { return nil }
        var elements: [Element] = []
        var offset = 20
        for _ in 0..<count {
            guard offset + 4 <= bytes.byteCount else { return nil }
            let length = Int(bytes.bigEndian(at: offset, as: Int32.self))
            offset += 4
            guard length >= 0, offset + length <= bytes.byteCount,
                let element = Element.decode(bytes.extracting(offset..<offset + length), type: elementType)
            else { return nil }
            elements.append(element)
            offset += length
        }
        return elements
    }
}
