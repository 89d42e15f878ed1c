/// A time as people read it: `0.3 s`, `42 s`, `3 m 5 s`, `2 h 4 m`, `3 d 4 h`.
enum AgeText {
    static func format(_ age: Duration) -> String {
        let seconds = age / .seconds(1)
        if seconds < 10 {
            let tenths = Int((max(0, seconds) * 10).rounded())
            return tenths.isMultiple(of: 10) ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
        }
        let whole = age.components.seconds
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3600: return "\(whole / 60) m \(whole % 60) s"
        case ..<86_400: return "\(whole / 3600) h \(whole % 3600 / 60) m"
        default: return "\(whole / 86_400) d \(whole % 86_400 / 3600) h"
        }
    }
}

/// A count as people read it: `1,234,567`.
enum CountText {
    static func format(_ count: some BinaryInteger) -> String {
        var text = ""
        for (index, digit) in String(count.magnitude).reversed().enumerated() {
            if index > 0, index.isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return (count < 0 ? "-" : "") + String(text.reversed())
    }
}

/// Segments as people read them: `segment 3`, `segments 0–3, 7`.
enum SegmentText {
    static func format(_ segments: [Int]) -> String {
        var ranges: [ClosedRange<Int>] = []
        for segment in segments.sorted() {
            if let last = ranges.last, last.upperBound + 1 == segment {
                ranges[ranges.count - 1] = last.lowerBound...segment
            } else {
                ranges.append(segment...segment)
            }
        }
        let text = ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)–\($0.upperBound)" }
        return (segments.count == 1 ? "segment " : "segments ") + text.joined(separator: ", ")
    }
}
