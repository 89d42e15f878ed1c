import KafkaBridge

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

    /// Why partitions are not known, each reason once.
    private var unknownPartitions: [String] {
        var reasons: [String] = []
        for event in events {
            guard let partition = event.record?.partition, case .unknown(let reason) = partition,
                !reasons.contains(reason)
            else { continue }
            reasons.append(reason)
        }
        return reasons.flatMap { Paragraph.lines("note: partition not known: \($0)", indent: 0) }
    }

    /// All of it, for people.
    package var text: String {
        var parts = events.map { $0.text(explainsPartition: false) }
        if events.isEmpty {
            parts.append(outside.isEmpty ? "the log has no event" : "no event that was looked at concerns the consumer")
        }
        let rest = remarks + unknownPartitions
        if !rest.isEmpty { parts.append(rest.joined(separator: "\n")) }
        return parts.joined(separator: "\n\n")
    }
}
