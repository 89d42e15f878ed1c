/// RFC 3339 in UTC with microseconds, such as `2026-11-23T08:35:24.000123Z`, without an allocation.
struct TimestampText {
    static let length = 27
    private(set) var bytes = InlineArray<27, UInt8>(repeating: UInt8(ascii: "0"))

    /// The times that the text can say: 0001-01-01T00:00:00 to 9999-12-31T23:59:59.999999. A year 0, which is 1 BC, is
    /// allowed by RFC 3339, but not by PostgreSQL and most languages that read it.
    static let range: ClosedRange<Int64> = -62_135_596_800_000_000...253_402_300_799_999_999

    /// - Parameter microseconds: Since 1970; times outside of the ``range`` are clamped to it.
    init(microseconds: Int64) {
        let time = min(max(microseconds, Self.range.lowerBound), Self.range.upperBound)
        let (days, rest) = Self.floorDivide(time, by: 86_400_000_000)
        let (year, month, day) = Self.civil(daysSince1970: days)
        put(year, at: 0, digits: 4)
        bytes[4] = UInt8(ascii: "-")
        put(month, at: 5, digits: 2)
        bytes[7] = UInt8(ascii: "-")
        put(day, at: 8, digits: 2)
        bytes[10] = UInt8(ascii: "T")
        put(rest / 3_600_000_000, at: 11, digits: 2)
        bytes[13] = UInt8(ascii: ":")
        put(rest / 60_000_000 % 60, at: 14, digits: 2)
        bytes[16] = UInt8(ascii: ":")
        put(rest / 1_000_000 % 60, at: 17, digits: 2)
        bytes[19] = UInt8(ascii: ".")
        put(rest % 1_000_000, at: 20, digits: 6)
        bytes[26] = UInt8(ascii: "Z")
    }

    /// The same in whole seconds, for people.
    static func seconds(_ microseconds: Int64) -> String {
        let text = TimestampText(microseconds: microseconds)
        return String(decoding: (0..<19).map { text.bytes[$0] }, as: UTF8.self) + "Z"
    }

    private mutating func put(_ number: Int64, at start: Int, digits: Int) {
        // No part has more than six digits.
        var rest = UInt32(truncatingIfNeeded: number)
        var index = start + digits
        while index > start {
            index -= 1
            bytes[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    private static func floorDivide(_ number: Int64, by divisor: Int64) -> (Int64, Int64) {
        let (quotient, rest) = number.quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? (quotient - 1, rest + divisor) : (quotient, rest)
    }

    /// The proleptic Gregorian date. Years are counted from March here, so that the leap day is a year's last.
    private static func civil(daysSince1970: Int64) -> (year: Int64, month: Int64, day: Int64) {
        // 719,468 days lie between 0000-03-01 and 1970-01-01; 146,097 days are 400 years.
        let (era, dayOfEra) = floorDivide(daysSince1970 + 719_468, by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
