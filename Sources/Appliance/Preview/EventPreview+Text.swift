import EventSourcing
import FoundationEssentials
import KafkaBridge

extension EventPreview {
    /// The event and its record, for people. What comes from events is escaped where a terminal would act on it.
    package var text: String { text(explainsPartition: true) }

    /// - Parameter explainsPartition: whether it says why the partition is not known, if so.
    func text(explainsPartition: Bool) -> String {
        var lines = [
            "position \(position)  \(createdAtText.map { "\($0)  " } ?? "")\(LogLine.harmless(eventType))",
            "  \(aggregateText)\(aggregateVersion.map { ", version \($0)" } ?? "")",
        ]
        if let reason {
            lines += Paragraph.lines("not published: \(reason.text)", indent: 2)
            if let consequence = reason.consequence { lines += Paragraph.lines(consequence, indent: 2) }
        }
        guard let record else { return lines.joined(separator: "\n") }
        let isDeadLetter = record.headers.contains { $0.name.hasSuffix("dead_letter_reason") }
        lines += Paragraph.lines(record.placeText(explainsPartition), indent: 2)
        // Of what is not sent it is enough to see where it would go.
        if isPublished || isDeadLetter { lines += record.lines }
        return lines.joined(separator: "\n")
    }

    /// An event on one line.
    package var line: String {
        let event =
            "\(position)  \(createdAtText.map { "\($0)  " } ?? "")\(LogLine.harmless(eventType))  \(aggregateText)"
        if let reason { return "\(event)  not published: \(LogLine.harmless(reason.text))" }
        return event + (record.map { "  → \($0.shortPlace), \(CountText.format($0.size)) bytes" } ?? "")
    }

    private var aggregateText: String {
        LogLine.harmless("\(aggregate.boundedContext)/\(aggregate.aggregateType)/\(aggregate.aggregateID)")
    }
}

extension RecordPreview {
    /// More of a value is not shown to people.
    private static let mostLines = 60
    private static let mostCharacters = 4_000
    /// Of bytes that are no text.
    private static let mostBytes = 48

    fileprivate var shortPlace: String {
        guard case .number(let number) = partition else { return "\(topic)[?]" }
        return "\(topic)[\(number)]"
    }

    fileprivate func placeText(_ explainsPartition: Bool) -> String {
        let place =
            switch partition {
            case .number(let number): "partition \(number)"
            case .unknown(let reason): explainsPartition ? "partition not known (\(reason))" : "partition not known"
            }
        let limit = limit.map { " of \(CountText.format($0))" } ?? ""
        let topic = isTopicAbsent ? "\(topic) (to be made)" : topic
        return "→ topic \(topic), \(place), \(CountText.format(size))\(limit) bytes"
    }

    /// Key, time, headers and value.
    fileprivate var lines: [String] {
        var lines = [
            "  key      \(key.map(Self.inline) ?? "none")", "  time     \(timeText ?? "that of its sending")",
        ]
        let width = min(28, headers.map(\.name.count).max() ?? 0)
        for (index, header) in headers.enumerated() {
            let name = LogLine.harmless(header.name)
            let space = String(repeating: " ", count: max(0, width - name.count))
            lines.append("  \(index == 0 ? "headers" : "       ")  \(name)\(space)  \(Self.inline(header.value))")
        }
        return lines + valueLines
    }

    private var valueLines: [String] {
        if let omittedBytes {
            return ["  value    \(CountText.format(omittedBytes)) bytes, too many to be shown"]
        }
        guard let value else {
            let isLeftOut = headers.contains { $0.name.hasSuffix("dead_letter_omitted_bytes") }
            return [
                isLeftOut
                    ? "  value    null: left out"
                    : "  value    null: a tombstone, which has a compacted topic forget the key"
            ]
        }
        let size = "\(CountText.format(value.count)) byte\(value.count == 1 ? "" : "s")"
        if value.isEmpty { return ["  value    empty"] }
        if let json = JSONLayout.lines(value, atMost: Self.mostLines + 1) {
            return ["  value    \(size), JSON"] + Self.shown(json)
        }
        if let text = String(validating: value, as: UTF8.self) {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            return ["  value    \(size), text"] + Self.shown(lines)
        }
        return ["  value    \(size), not text", "    " + Self.hexadecimal(value)]
    }

    /// The first lines of a value.
    private static func shown(_ lines: [String]) -> [String] {
        var shown: [String] = []
        var rest = mostCharacters
        for line in lines {
            guard shown.count < mostLines, rest > 0 else {
                return shown + ["    … --json shows all"]
            }
            let isLong = line.count > rest
            shown.append("    " + LogLine.harmless(isLong ? line.prefix(rest) + "…" : line))
            if isLong { return shown + ["    … --json shows all"] }
            rest -= line.count
        }
        return shown
    }

    private static func inline(_ bytes: [UInt8]) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { return "not text: " + hexadecimal(bytes) }
        if text.isEmpty { return "empty" }
        guard text.count > mostCharacters else { return LogLine.harmless(text) }
        return LogLine.harmless(String(text.prefix(mostCharacters))) + "… (\(CountText.format(bytes.count)) bytes)"
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = bytes.prefix(mostBytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        return digits.joined() + (bytes.count > mostBytes ? "…" : "")
    }
}

/// Text over lines of 80 columns.
enum Paragraph {
    /// The text's lines, those behind the first indented two more.
    static func lines(_ text: String, indent: Int, width: Int = 79) -> [String] {
        var lines: [String] = []
        var line = String(repeating: " ", count: indent)
        var isEmpty = true
        for word in LogLine.harmless(text).split(separator: " ") {
            if !isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = String(repeating: " ", count: indent + 2)
                isEmpty = true
            }
            line += (isEmpty ? "" : " ") + word
            isEmpty = false
        }
        return lines + [line]
    }
}
