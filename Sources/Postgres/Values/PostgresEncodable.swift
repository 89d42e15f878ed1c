public import FoundationEssentials

/// A value that can be a statement's parameter, sent in PostgreSQL's binary format.
public protocol PostgresEncodable: Sendable {
    /// The object id of the PostgreSQL type.
    static var postgresType: UInt32 { get }
    /// Appends the binary form; `false` for NULL, with nothing appended.
    func encode(into bytes: inout [UInt8]) -> Bool
}

extension [UInt8] {
    mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        unsafe Swift.withUnsafeBytes(of: value.bigEndian) { unsafe append(contentsOf: $0) }
    }
}

extension Bool: PostgresEncodable {
    /// `boolean`
    public static var postgresType: UInt32 { PostgresType.bool }
    /// One byte, 1 or 0.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(self ? 1 : 0)
        return true
    }
}

extension Int: PostgresEncodable {
    /// `bigint`
    public static var postgresType: UInt32 { PostgresType.int8 }
    /// Eight bytes, big-endian.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.appendBigEndian(Int64(self))
        return true
    }
}

extension Int64: PostgresEncodable {
    /// `bigint`
    public static var postgresType: UInt32 { PostgresType.int8 }
    /// Eight bytes, big-endian.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.appendBigEndian(self)
        return true
    }
}

extension Int16: PostgresEncodable {
    /// `smallint`
    public static var postgresType: UInt32 { PostgresType.int2 }
    /// Two bytes, big-endian.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.appendBigEndian(self)
        return true
    }
}

extension Int32: PostgresEncodable {
    /// `integer`
    public static var postgresType: UInt32 { PostgresType.int4 }
    /// Four bytes, big-endian.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.appendBigEndian(self)
        return true
    }
}

extension UInt32: PostgresEncodable {
    /// `oid`
    public static var postgresType: UInt32 { PostgresType.oid }
    /// Four bytes, big-endian.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.appendBigEndian(self)
        return true
    }
}

extension Double: PostgresEncodable {
    /// `double precision`
    public static var postgresType: UInt32 { PostgresType.float8 }
    /// Eight bytes, IEEE 754, big-endian.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.appendBigEndian(bitPattern)
        return true
    }
}

extension Float: PostgresEncodable {
    /// `real`
    public static var postgresType: UInt32 { PostgresType.float4 }
    /// Four bytes, IEEE 754, big-endian.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.appendBigEndian(bitPattern)
        return true
    }
}

extension String: PostgresEncodable {
    /// `text`
    public static var postgresType: UInt32 { PostgresType.text }
    /// UTF-8.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(contentsOf: utf8)
        return true
    }
}

extension UUID: PostgresEncodable {
    /// `uuid`
    public static var postgresType: UInt32 { PostgresType.uuid }
    /// Sixteen bytes.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        unsafe withUnsafeBytes(of: uuid) { unsafe bytes.append(contentsOf: $0) }
        return true
    }
}

extension Date: PostgresEncodable {
    /// `timestamptz`
    public static var postgresType: UInt32 { PostgresType.timestamptz }
    /// Microseconds since 2000-01-01 UTC, eight bytes, big-endian.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.appendBigEndian(PostgresTimestamp.microseconds(of: self))
        return true
    }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    /// The wrapped value's type.
    public static var postgresType: UInt32 { Wrapped.postgresType }
    /// NULL for `nil`.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        guard let value = self else { return false }
        return value.encode(into: &bytes)
    }
}

/// PostgreSQL counts microseconds from 2000-01-01.
package enum PostgresTimestamp {
    /// Microseconds from 1970-01-01 to 2000-01-01.
    package static let epochOffset: Int64 = 946_684_800_000_000

    static func microseconds(of date: Date) -> Int64 {
        // Rounded, since a Date is a Double of seconds; clamped, since a Double may lie outside of any timestamp.
        let exact = (date.timeIntervalSince1970 * 1_000_000).rounded()
        return Int64(exactly: max(-2e17, min(exact, 9e18))).map { $0 &- epochOffset } ?? 0
    }

    package static func date(microseconds: Int64) -> Date {
        // -infinity and infinity are the extremes of the integer.
        if microseconds == .min { return .distantPast }
        if microseconds == .max { return .distantFuture }
        return Date(timeIntervalSince1970: Double(since1970(microseconds)) / 1_000_000)
    }

    /// Microseconds since 1970 of PostgreSQL's since 2000. What an integer does not hold, such as the year 294276, becomes
    /// its end, and so do `infinity` and `-infinity`.
    package static func since1970(_ microseconds: Int64) -> Int64 {
        if microseconds == .min { return .min }
        let (sum, isOverflow) = microseconds.addingReportingOverflow(epochOffset)
        return isOverflow ? .max : sum
    }
}
