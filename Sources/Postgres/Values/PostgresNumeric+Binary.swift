// PostgreSQL's binary form: the number of digits, weight, sign and scale, two bytes each, then the digits (source:
// `numeric_send` in PostgreSQL).
extension PostgresNumeric: PostgresEncodable, PostgresDecodable {
    private enum Sign {
        static let positive: UInt16 = 0x0000
        static let negative: UInt16 = 0x4000
        static let nan: UInt16 = 0xC000
        static let infinity: UInt16 = 0xD000
        static let negativeInfinity: UInt16 = 0xF000
    }

    /// `numeric`
    public static var postgresType: UInt32 { PostgresType.numeric }

    /// Digits to the base of 10,000, with their weight, sign and scale.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        let sign =
            switch form {
            case .nan: Sign.nan
            case .infinity: Sign.infinity
            case .negativeInfinity: Sign.negativeInfinity
            case .finite: isNegative ? Sign.negative : Sign.positive
            }
        bytes.appendBigEndian(UInt16(truncatingIfNeeded: digits.count))
        bytes.appendBigEndian(Int16(truncatingIfNeeded: weight))
        bytes.appendBigEndian(sign)
        bytes.appendBigEndian(UInt16(truncatingIfNeeded: scale))
        for digit in digits { bytes.appendBigEndian(digit) }
        return true
    }

    /// From `numeric`, or an integer.
    public static func decode(_ bytes: RawSpan, type: UInt32) -> PostgresNumeric? {
        if let integer = Int64.decode(bytes, type: type) { return PostgresNumeric(integer) }
        guard type == PostgresType.numeric, bytes.byteCount >= 8 else { return nil }
        let count = Int(bytes.bigEndian(as: UInt16.self))
        let sign = bytes.bigEndian(at: 4, as: UInt16.self)
        switch sign {
        case Sign.nan: return .nan
        case Sign.infinity: return .infinity
        case Sign.negativeInfinity: return .negativeInfinity
        case Sign.positive, Sign.negative: break
        default: return nil
        }
        guard bytes.byteCount == 8 + 2 * count else { return nil }
        let digits = (0..<count).map { bytes.bigEndian(at: 8 + 2 * $0, as: Int16.self) }
        guard digits.allSatisfy({ (0..<10_000).contains($0) }) else { return nil }
        return PostgresNumeric(
            isNegative: sign == Sign.negative, digits: digits, weight: Int(bytes.bigEndian(at: 2, as: Int16.self)),
            scale: Int(bytes.bigEndian(at: 6, as: UInt16.self)))
    }
}
