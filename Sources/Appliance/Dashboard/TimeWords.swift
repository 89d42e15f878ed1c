import FoundationEssentials

/// Times as pages show them: RFC 3339 in UTC, without what says nothing.
enum TimeWords {
    /// `2026-11-30 09:15:02.123` of `2026-11-30T09:15:02.123Z`.
    static func short(_ text: String) -> String {
        guard text.hasSuffix("Z") else { return text }
        return text.dropLast().split(separator: "T", maxSplits: 1).joined(separator: " ")
    }

    static func html(_ date: Date, now: Date = .now) -> HTML {
        let text = date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        return "<time datetime=\"\(text)\" title=\"\(age(date, now)) ago\">\(short(text))</time>"
    }

    /// How long ago, for people: never negative.
    static func age(_ date: Date, _ now: Date = .now) -> String {
        AgeText.format(.seconds(min(max(0, now.timeIntervalSince(date)), 1e11)))
    }
}
