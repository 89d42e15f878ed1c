extension Previewing.Outcome {
    /// More reasons than these are counted together.
    private static let mostReasons = 8

    /// How many of the events that were looked at lie outside of the scope, and what else is to be said.
    package var remarks: [String] {
        var lines: [String] = []
        let all = outside.reduce(0) { $0 + $1.events }
        if all > 0 {
            lines.append(
                "\(CountText.format(all)) other event\(all == 1 ? " was" : "s were") looked at, and outside of the scope:"
            )
            for (reason, events) in outside.prefix(Self.mostReasons) {
                lines += Paragraph.lines("\(CountText.format(events)): \(reason)", indent: 2)
            }
            let rest = outside.dropFirst(Self.mostReasons).reduce(0) { $0 + $1.events }
            if rest > 0 { lines.append("  \(CountText.format(rest)): other reasons") }
        }
        return lines + notes.flatMap { Paragraph.lines("note: \($0)", indent: 0) }
    }

    /// All of it, for people.
    package var text: String {
        var parts = events.map(\.text)
        if events.isEmpty { parts.append("no event that was looked at concerns the consumer") }
        if !remarks.isEmpty { parts.append(remarks.joined(separator: "\n")) }
        return parts.joined(separator: "\n\n")
    }
}
