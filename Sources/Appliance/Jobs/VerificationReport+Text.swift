import Consumers
package import KafkaBridge

extension Verifying.Outcome {
    package func exitStatus(allowingDoubles: Bool) -> ExitStatus {
        switch report.verdict(allowingDoubles: allowingDoubles) {
        case .wrong: .accountNotClean
        case .empty: .nothingSelected
        case .unproven: .unproven
        case .pending: isHeldUp ? .unhealthy : .success
        case .clean: .success
        }
    }

    /// Whether what is left will not be delivered by itself.
    private var isHeldUp: Bool { obstacles.contains(where: \.kind.isUnhealthy) }

    // MARK: For programs

    package func json(allowingDoubles: Bool, repair: Job?) -> JSONValue {
        let status = exitStatus(allowingDoubles: allowingDoubles)
        var members: [JSONValue.Member] = [
            .init("consumer", .string(report.consumer)), .init("from_position", .number(report.after + 1)),
            .init("to_position", .number(report.through)), .init("clean", .boolean(status == .success)),
            .init("verdict", .string(Self.name(status))), .init("committed", .number(report.committed)),
            .init("delivered", .number(report.delivered)), .init("republished", .number(report.republished)),
            .init("only_republished", .number(report.repaired)),
        ]
        for kind in VerificationReport.Kind.allCases {
            let finding = report[kind]
            members.append(
                .init(
                    kind.rawValue,
                    ["events": .number(finding.count), "examples": .array(finding.examples.map(Self.json))]))
        }
        members += [
            .init(
                "why_not_delivered",
                .array(obstacles.map { ["kind": .string($0.kind.rawValue), "text": .string($0.text)] })),
            .init("consumer_has_checkpoints", .boolean(report.hasCheckpoints)),
            .init("values_compared", .boolean(report.comparesValues)),
            .init("order_compared_in_parts", .boolean(report.isOrderPartial)),
            .init("records_read", .number(report.recordsRead)),
            .init("records_without_event_id", .number(report.unnamedRecords)),
            .init(
                "open_transactions",
                .array(
                    report.openTransactions.map {
                        ["partition": .string($0.partition), "from_offset": .number($0.offset)]
                    })),
            .init("pruned", report.pruned.map(\.json) ?? .null),
            .init("removed_undelivered", report.missed?.json ?? .null),
            .init("settings_not_seen", .array(report.unseenSettings.map { .string($0) })),
            .init("topics", .array(report.topics.map { ["topic": .string($0.name), "events": .number($0.events)] })),
            .init("repair", repair.map { JobReport($0).json } ?? .null),
        ]
        return .object(members)
    }

    private static func name(_ status: ExitStatus) -> String {
        switch status {
        case .success: "clean"
        case .nothingSelected: "empty"
        case .unproven: "unproven"
        case .unhealthy: "not_delivered"
        default: "wrong"
        }
    }

    private static func json(_ example: VerificationReport.Example) -> JSONValue {
        [
            "position": .number(example.position), "event_id": .string(example.eventID),
            "aggregate": .string(example.aggregate), "event_type": .string(example.eventType),
        ]
    }

    // MARK: For people

    package var text: String {
        var lines = [
            "\(count(report.committed)) committed at positions \(report.after + 1) to \(report.through), "
                + "\(CountText.format(report.delivered)) of them delivered"
        ]
        if !report.hasCheckpoints {
            lines.append("  the consumer \(report.consumer) was never started here")
        }
        if let pruned = report.pruned {
            lines.append("  \(pruned.sentence): what they were is not looked at, nor what was delivered of them")
        }
        if let missed = report.missed { lines.append("  \(missed.sentence(of: report.consumer))") }
        if report.republished > 0 {
            lines.append(
                "  \(CountText.format(report.republished)) published again by jobs, "
                    + "\(CountText.format(report.repaired)) of them only by jobs")
        }
        if report.unnamedRecords > 0 {
            lines.append(
                "  \(CountText.format(report.unnamedRecords)) records in the topics name no event: they are of others, or from when "
                    + "\"headers\" left out event_id, or it had another name (\"headers\", \"header_prefix\"); what they carry counts as "
                    + "not found, and a repair publishes it again"
            )
        }
        for kind in VerificationReport.Kind.allCases where report[kind].count > 0 { lines += paragraph(kind) }
        for transaction in report.openTransactions {
            lines.append(
                "  an open transaction hides \(transaction.partition) from offset \(transaction.offset) on: nothing behind it "
                    + "was compared")
        }
        for reason in report.unseenSettings where report[.unproven].count > 0 { lines.append("  \(reason)") }
        if report.isOrderPartial {
            lines.append(
                "  the order was compared within parts of the range: it has more aggregates than memory is kept for")
        }
        return lines.joined(separator: "\n")
    }

    private func paragraph(_ kind: VerificationReport.Kind) -> [String] {
        let finding = report[kind]
        var lines = ["  \(CountText.format(finding.count)) \(meaning(kind))"]
        if kind == .pending { lines += obstacles.map { "    \(LogLine.harmless($0.text))" } }
        for example in finding.examples.prefix(5) {
            let event = [example.eventType, example.aggregate].filter { !$0.isEmpty }.joined(separator: " of ")
            lines.append(
                "    position \(example.position), event \(example.eventID)"
                    + (event.isEmpty ? "" : ": \(LogLine.harmless(event))"))
        }
        if finding.count > 5 { lines.append("    …") }
        return lines
    }

    private func meaning(_ kind: VerificationReport.Kind) -> String {
        switch kind {
        case .missing: "missing"
        case .doubled: "more than once"
        case .outOfOrder: "behind a later event of their aggregate"
        case .misplaced: "in another topic of the consumer than their own"
        case .different: "with another value or key than their event has now"
        case .pending:
            obstacles.isEmpty
                ? "not delivered yet: behind the consumer's checkpoint, on which nothing is known to hold it"
                : "not delivered:"
        case .passedOver:
            "passed over: they lie before the consumer's start, or outside of the scope that it had then"
        case .unrecorded:
            "not delivered, from before Godwit recorded where the consumer began and which events it wanted: missing, or "
                + "never to be delivered; `godwit republish` with --from-position and --to-position publishes them"
        case .parked: "parked until an operator redrives or discards them"
        case .deadLettered: "in the dead-letter topic instead"
        case .discarded: "discarded by an operator"
        case .unknowable: "cannot be known: records of their time, or of their key, are deleted by now"
        case .hidden: "not found, and perhaps behind an open transaction: verify again once it has ended"
        case .unproven:
            "not found where compaction may have deleted them, as far as settings, offsets and records of their keys show: never "
                + "delivered, or deleted"
        }
    }

    /// The last line.
    package func closing(allowingDoubles: Bool) -> String? {
        switch report.verdict(allowingDoubles: allowingDoubles) {
        case .wrong: nil
        case .empty where report.pruned != nil:
            "no event is left in this range, so nothing was compared: what was there is removed"
        case .empty: "no event lies in this range, so nothing was compared"
        case .clean where report.pruned != nil:
            "nothing is wrong with what is there; what is removed was not looked at"
        case .unproven where report.committed == 0 && report.pruned != nil:
            "no event is left in this range, so nothing was compared: what was there is removed"
        case .unproven: "nothing wrong was found, but not everything could be seen"
        case .pending where isHeldUp: nil
        case .pending: "nothing is wrong, and \(count(report[.pending].count)) are not delivered yet"
        case .clean: "nothing is wrong"
        }
    }

    /// Where each committed event is, as lines that add up.
    package var account: String {
        var table = TextTable(
            ["account of positions \(report.after + 1) to \(report.through)", "events"], rightAligned: [1])
        table.add(["delivered", CountText.format(report.delivered)])
        for kind in VerificationReport.Kind.allCases where kind.isAbsence {
            table.add([Self.entry(kind), CountText.format(report[kind].count)])
        }
        table.add(["sum: committed", CountText.format(report.committed)])
        for kind in VerificationReport.Kind.allCases where !kind.isAbsence {
            table.add(["  of the delivered: \(Self.entry(kind))", CountText.format(report[kind].count)])
        }
        return String(table.text.dropLast())
    }

    private static func entry(_ kind: VerificationReport.Kind) -> String {
        switch kind {
        case .unknowable: "deleted since, or never delivered"
        case .different: "with another value or key"
        case .misplaced: "in another topic too"
        case .hidden: "behind an open transaction"
        case .doubled: "more than once"
        case .pending: "not delivered yet"
        case .deadLettered: "in the dead-letter topic"
        default: kind.rawValue.split(separator: "_").joined(separator: " ")
        }
    }

    private func count(_ events: Int) -> String { events == 1 ? "1 event" : "\(CountText.format(events)) events" }
}
