/// Bytes, sent and read as `bytea`.
///
/// `[UInt8]` itself would be ambiguous between `bytea` and an array, hence a type of its own.
public struct Bytes: PostgresEncodable, Hashable {
    /// The bytes.
    public var array: [UInt8]

    /// Wraps the bytes.
    public init(_ array: [UInt8]) {
        self.array = array
    }

    /// `bytea`
    public static var postgresType: UInt32 { PostgresType.bytea }
    /// The bytes as they are.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(contentsOf: array)
        return true
    }
}

extension Array: PostgresEncodable where Element: PostgresEncodable {
    /// The one-dimensional array of the element's type.
    public static var postgresType: UInt32 { PostgresType.array(of: Element.postgresType) }

    /// PostgreSQL's binary array: dimensions, null flag, element type, length, lower bound, then each element with its
    /// length (source: `array_send` in PostgreSQL).
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.appendBigEndian(Int32(isEmpty ? 0 : 1))
        bytes.appendBigEndian(Int32(1))
        // An array names the type of its elements. Enums go as texts, and the statement casts them.
        let element = Element.postgresType
        bytes.appendBigEndian(element == PostgresType.inferred ? PostgresType.text : element)
        if isEmpty { return true }
        bytes.appendBigEndian(Int32(count))
        bytes.appendBigEndian(Int32(1))
        for element in self {
            let start = bytes.count
            bytes.appendBigEndian(Int32(-1))
            guard element.encode(into: &bytes) else { continue }
            bytes.replaceBigEndian(at: start, with: Int32(bytes.count - start - 4))
        }
        return true
    }
}

extension [UInt8] {
    mutating func replaceBigEndian(at index: Int, with value: Int32) {
        let bits = UInt32(bitPattern: value)
        for byte in 0..<4 {
            self[index + byte] = UInt8(truncatingIfNeeded: bits >> (24 - 8 * byte))
        }
    }
}
