/// Durations as the configuration writes them: `250us`, `500ms`, `1.5s`, `5m`, `2h`, `7d`.
package enum DurationText {
    private static let units: [(suffix: String, nanoseconds: Int64)] = [
        ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
        ("d", 86_400_000_000_000),
    ]

    /// Reads a duration; nil when it is not one. A bare number has no unit and is none, but for `0`.
    package static func parse(_ text: String) -> Duration? {
        if text == "0" { return .zero }
        let digits = text.prefix { ($0.isASCII && $0.isNumber) || $0 == "." }
        let suffix = text.dropFirst(digits.count)
        guard let unit = units.first(where: { $0.suffix == suffix }) else { return nil }
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = Int64(parts[0]), whole < Int64.max / unit.nanoseconds else { return nil }
        var nanoseconds = whole * unit.nanoseconds
        if parts.count == 2 {
            guard !parts[1].isEmpty, parts[1].count <= 9, let fraction = Int64(parts[1]) else { return nil }
            let scale = (0..<parts[1].count).reduce(Int64(1)) { value, _ in value * 10 }
            // The fraction has at most nine digits and the unit at most 13: in 128 bits there is room.
            nanoseconds += Int64(Int128(fraction) * Int128(unit.nanoseconds) / Int128(scale))
        }
        return .nanoseconds(nanoseconds)
    }

    /// Writes a duration in the largest unit that leaves a whole number; a single day in hours.
    package static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let nanoseconds = Int128(seconds) * 1_000_000_000 + Int128(attoseconds / 1_000_000_000)
        guard nanoseconds != 0 else { return "0s" }
        for unit in units.reversed()
        where nanoseconds % Int128(unit.nanoseconds) == 0 && (unit.suffix != "d" || nanoseconds > unit.nanoseconds) {
            return "\(nanoseconds / Int128(unit.nanoseconds))\(unit.suffix)"
        }
        return "\(nanoseconds / 1000)us"
    }
}
