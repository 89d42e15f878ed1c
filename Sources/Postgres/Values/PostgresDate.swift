/// A day of the calendar, as PostgreSQL's `date`: without time and time zone.
public struct PostgresDate: Sendable, Hashable {
    /// Days since 2000-01-01; the extremes are `-infinity` and `infinity`.
    private let days: Int32

    /// Later than every other day.
    public static let infinity = PostgresDate(days: .max)
    /// Earlier than every other day.
    public static let negativeInfinity = PostgresDate(days: .min)

    init(days: Int32) {
        self.days = days
    }

    /// A day of the Gregorian calendar; `nil` if there is no such day. The year 0 is 1 BC.
    public init?(year: Int, month: Int, day: Int) {
        guard (-4713...5_874_897).contains(year), (1...12).contains(month), day >= 1 else { return nil }
        let days = GregorianCalendar.days(year: year, month: month, day: day)
        guard GregorianCalendar.date(days: days) == (year, month, day) else { return nil }
        self.days = Int32(days - GregorianCalendar.daysTo2000)
    }

    /// Whether it is a day, rather than one of the infinities.
    public var isFinite: Bool { days != .max && days != .min }

    /// Year, month and day; `nil` for the infinities.
    public var components: (year: Int, month: Int, day: Int)? {
        isFinite ? GregorianCalendar.date(days: Int(days) + GregorianCalendar.daysTo2000) : nil
    }
}

extension PostgresDate: Comparable, CustomStringConvertible {
    /// In the order of time.
    public static func < (left: PostgresDate, right: PostgresDate) -> Bool { left.days < right.days }

    /// `2024-02-29`, `infinity` or `-infinity`.
    public var description: String {
        guard let (year, month, day) = components else { return days > 0 ? "infinity" : "-infinity" }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }
}

extension PostgresDate: PostgresEncodable, PostgresDecodable {
    /// `date`
    public static var postgresType: UInt32 { PostgresType.date }

    /// Days since 2000-01-01, four bytes, big-endian.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.appendBigEndian(days)
        return true
    }

    /// From `date`.
    public static func decode(_ bytes: RawSpan, type: UInt32) -> PostgresDate? {
        guard type == PostgresType.date, bytes.byteCount == 4 else { return nil }
        return PostgresDate(days: bytes.bigEndian(as: Int32.self))
    }
}

/// A day and a time of it, as PostgreSQL's `timestamp`: without a time zone, so that it is no instant. An instant is a `Date`.
public struct PostgresLocalTimestamp: Sendable, Hashable {
    /// Microseconds since 2000-01-01 00:00; the extremes are `-infinity` and `infinity`.
    private let microseconds: Int64

    private static let perDay: Int64 = 86_400_000_000

    /// Later than every other.
    public static let infinity = PostgresLocalTimestamp(microseconds: .max)
    /// Earlier than every other.
    public static let negativeInfinity = PostgresLocalTimestamp(microseconds: .min)

    init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// A time of a day; `nil` if there is no such time, or if it is out of PostgreSQL's range.
    public init?(_ date: PostgresDate, hour: Int = 0, minute: Int = 0, second: Int = 0, microsecond: Int = 0) {
        guard let (year, month, day) = date.components, (0...23).contains(hour), (0...59).contains(minute),
            (0...59).contains(second), (0...999_999).contains(microsecond), year <= 294_276
        else { return nil }
        let days = GregorianCalendar.days(year: year, month: month, day: day) - GregorianCalendar.daysTo2000
        let seconds = (hour * 60 + minute) * 60 + second
        microseconds = Int64(days) * Self.perDay + Int64(seconds) * 1_000_000 + Int64(microsecond)
    }

    /// Whether it is a time, rather than one of the infinities.
    public var isFinite: Bool { microseconds != .max && microseconds != .min }

    /// The day; an infinity for an infinity.
    public var date: PostgresDate {
        if !isFinite { return microseconds > 0 ? .infinity : .negativeInfinity }
        return PostgresDate(days: Int32(clamping: (microseconds - microsecondOfDay) / Self.perDay))
    }

    /// Microseconds since the begin of the day; 0 for the infinities.
    public var microsecondOfDay: Int64 {
        if !isFinite { return 0 }
        let rest = microseconds % Self.perDay
        return rest < 0 ? rest + Self.perDay : rest
    }
}

extension PostgresLocalTimestamp: Comparable, CustomStringConvertible {
    /// In the order of time.
    public static func < (left: PostgresLocalTimestamp, right: PostgresLocalTimestamp) -> Bool {
        left.microseconds < right.microseconds
    }

    /// `2024-02-29 13:30:00.000001`, `infinity` or `-infinity`.
    public var description: String {
        if !isFinite { return date.description }
        let (seconds, fraction) = Int(microsecondOfDay).quotientAndRemainder(dividingBy: 1_000_000)
        let time = "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
        return "\(date) \(time)" + (fraction == 0 ? "" : ".\(padded(fraction, 6))")
    }
}

extension PostgresLocalTimestamp: PostgresEncodable, PostgresDecodable {
    /// `timestamp`
    public static var postgresType: UInt32 { PostgresType.timestamp }

    /// Microseconds since 2000-01-01 00:00, eight bytes, big-endian.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.appendBigEndian(microseconds)
        return true
    }

    /// From `timestamp`.
    public static func decode(_ bytes: RawSpan, type: UInt32) -> PostgresLocalTimestamp? {
        guard type == PostgresType.timestamp, bytes.byteCount == 8 else { return nil }
        return PostgresLocalTimestamp(microseconds: bytes.bigEndian(as: Int64.self))
    }
}

private func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(abs(number))
    return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - digits.count)) + digits
}

/// Days since 1970-01-01 and the dates of the Gregorian calendar, also for the time before it.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
enum GregorianCalendar {
    static let daysTo2000 = 10_957

    static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    static func date(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        )
    }
}
