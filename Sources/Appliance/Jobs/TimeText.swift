package import FoundationEssentials

/// Times as people write them: how long ago (`7d`, `36h`), a day (`2026-11-22`), a day and a time, with or without a zone, or
/// `now`, `today` and `yesterday`. A pure value.
///
/// Without a zone a time is one of UTC, on each machine and over each way: the same text means the same moment everywhere.
/// ``sentence`` says it in full, so that a reader who meant another zone sees it.
package struct TimeText: Sendable, Hashable {
    package let date: Date
    /// How long before now, where it was written so.
    package let age: Duration?
    /// As it was written.
    package let text: String

    /// - Returns: nil for what is no time.
    package init?(_ text: String, now: Date) {
        let trimmed = text.drop { $0 == " " }
        // In whole seconds, which the database keeps as they are and people can read.
        let now = Date(timeIntervalSince1970: now.timeIntervalSince1970.rounded(.down))
        self.text = text
        if let age = DurationText.parse(String(trimmed)) ?? Self.weeks(trimmed) {
            let seconds = age / .seconds(1)
            // Longer ago than there are dates to write.
            guard seconds >= 0, seconds < 60_000_000_000 else { return nil }
            self.age = age
            date = now.addingTimeInterval(-seconds.rounded())
            return
        }
        age = nil
        let today = (now.timeIntervalSince1970 / 86_400).rounded(.down) * 86_400
        switch trimmed {
        case "now": date = now
        case "today": date = Date(timeIntervalSince1970: today)
        case "yesterday": date = Date(timeIntervalSince1970: today - 86_400)
        default:
            var reader = Reader(rest: trimmed)
            guard let seconds = reader.moment() else { return nil }
            date = Date(timeIntervalSince1970: seconds)
        }
    }

    /// What can be written.
    package static let forms =
        "7d or 36h for so long ago, 2026-11-22, \"2026-11-22 10:00\" (UTC), or a zone behind it: 2026-11-22T10:00:00Z, +01:00"

    /// The moment in full, in UTC, and how it was written where that is another way.
    package var sentence: String {
        let full = Self.full(date)
        return full == text ? full : "\(full) (\(LogLine.harmless(text)))"
    }

    /// RFC 3339 in UTC, with a fraction where there is one.
    package static func full(_ date: Date) -> String {
        let hasFraction = date.timeIntervalSince1970 != date.timeIntervalSince1970.rounded(.down)
        return date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: hasFraction))
    }

    private static func weeks(_ text: Substring) -> Duration? {
        guard text.last == "w", let days = Int(text.dropLast()), (0...100_000).contains(days) else { return nil }
        return .seconds(days * 7 * 86_400)
    }

    /// Takes a text apart from its beginning.
    private struct Reader {
        var rest: Substring

        /// In earlier ones the calendars of those who write and read times differ.
        private static let years = 1_600...9_999

        /// Seconds since 1970; nil where anything is left, or no such moment exists.
        mutating func moment() -> Double? {
            guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2),
                Self.years.contains(year), (1...12).contains(month), (1...Self.days(year, month)).contains(day)
            else { return nil }
            var seconds = Double(Self.daysSince1970(year, month, day)) * 86_400
            if rest.isEmpty { return seconds }
            guard take("T") || take("t") || take(" ") else { return nil }
            guard let hour = number(2), take(":"), let minute = number(2), hour < 24, minute < 60 else { return nil }
            seconds += Double(hour * 3_600 + minute * 60)
            if take(":") {
                guard let second = number(2), second < 60 else { return nil }
                seconds += Double(second)
                if take(".") {
                    let digits = rest.prefix { $0.isASCII && $0.isNumber }
                    guard (1...9).contains(digits.count), let fraction = Double("0.\(digits)") else { return nil }
                    rest = rest.dropFirst(digits.count)
                    // The database keeps microseconds.
                    seconds += (fraction * 1_000_000).rounded() / 1_000_000
                }
            }
            guard let offset = zone() else { return nil }
            return rest.isEmpty ? seconds - Double(offset) : nil
        }

        /// Seconds east of Greenwich; none is UTC.
        private mutating func zone() -> Int? {
            while take(" ") {}
            if rest.isEmpty { return 0 }
            if rest.uppercased() == "Z" || rest.uppercased() == "UTC" {
                rest = ""
                return 0
            }
            let sign: Int
            if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return nil }
            guard let hours = number(2), hours <= 18 else { return nil }
            var minutes = 0
            if !rest.isEmpty {
                _ = take(":")
                guard let read = number(2), read < 60 else { return nil }
                minutes = read
            }
            return sign * (hours * 3_600 + minutes * 60)
        }

        private mutating func take(_ character: Character) -> Bool {
            guard rest.first == character else { return false }
            rest = rest.dropFirst()
            return true
        }

        private mutating func number(_ digits: Int) -> Int? {
            let text = rest.prefix(digits)
            guard text.count == digits, text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
            rest = rest.dropFirst(digits)
            return Int(text)
        }

        private static func days(_ year: Int, _ month: Int) -> Int {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
        }

        /// In the calendar that ISO 8601 uses for all times.
        private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
            let (y, m) = month > 2 ? (year, month - 3) : (year - 1, month + 9)
            return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719_468
        }
    }
}
