package import Consumers
import FoundationEssentials
package import KafkaBridge

/// What `godwit prune` has done, or would do.
package struct PruneReport: Sendable {
    let table: String
    /// How long rows stay; nil where the events were left alone.
    let deliveredFor: Duration?
    let isDryRun: Bool
    package var events: Pruner.Report?
    package var own = Housekeeping.Removed()

    /// For people.
    package var text: String {
        var lines: [String] = []
        if let events { lines += Self.lines(events, table, deliveredFor ?? .zero, isDryRun) }
        if own.isEmpty, events == nil { lines.append("Godwit's own tables have no row that is old enough") }
        let parts: [(Int, String)] = [
            (own.deadLetters, "decided dead letters"), (own.auditEntries, "entries of the audit log"),
            (own.jobs, "ended jobs"),
        ]
        for (count, what) in parts where count > 0 { lines.append("removed \(CountText.format(count)) \(what)") }
        return lines.joined(separator: "\n")
    }

    private static func lines(
        _ report: Pruner.Report, _ table: String, _ deliveredFor: Duration, _ isDryRun: Bool
    ) -> [String] {
        let (plan, age) = (report.plan, AgeText.format(deliveredFor))
        let rows = (report.isCut ? "≥ " : "") + (report.rows == 1 ? "1 row" : "\(CountText.format(report.rows)) rows")
        var lines = [
            isDryRun
                ? "would remove \(rows) of \(table) up to position \(CountText.format(plan.through))"
                : "removed \(rows) of \(table)"
        ]
        if !plan.kept.isEmpty {
            lines.append(
                "  \(CountText.format(plan.kept.count)) up to there stay: they are parked, or an audit looks for them")
        }
        if let delivered = report.delivered {
            lines.append("  everything up to position \(CountText.format(delivered)) is delivered by all consumers")
        }
        if report.reach < deliveredFor {
            lines.append(
                "  since when, is known for \(AgeText.format(report.reach)); rows stay for \(age), so nothing can go before that is "
                    + "reached")
        }
        lines += plan.holds.prefix(5).map { "  \(LogLine.harmless($0.description))" }
        if !report.readers.isEmpty {
            lines.append(
                "  rows are being read, and are left alone meanwhile, by \(report.readers.joined(separator: ", "))")
        }
        lines += report.guards.warnings.map { "  \(LogLine.harmless($0))" }
        if !isDryRun, let record = report.record, record.through > 0 { lines.append("  \(record.sentence)") }
        return lines
    }

    package var json: JSONValue {
        [
            "table": .string(table), "dry_run": .boolean(isDryRun),
            "rows": events.map { .number($0.rows) } ?? .null,
            "rows_exact": events.map { .boolean(!$0.isCut) } ?? .null,
            "through_position": events.map { .number($0.plan.through) } ?? .null,
            "kept": events.map { .number($0.plan.kept.count) } ?? .null,
            "delivered_position": events?.delivered.map { .number($0) } ?? .null,
            "holds": .array(
                (events?.plan.holds ?? []).map {
                    [
                        "kind": .string($0.kind), "position": .number($0.position), "text": .string($0.description),
                    ]
                }),
            "held_by": events?.hold.map { .string($0.description) } ?? .null,
            "warnings": .array((events?.guards.warnings ?? []).map { .string($0) }),
            "readers": .array((events?.readers ?? []).map { .string($0) }),
            "pruned": events?.record.map(\.json) ?? .null,
            "dead_letters": .number(own.deadLetters), "audit_entries": .number(own.auditEntries),
            "jobs": .number(own.jobs),
        ]
    }
}

extension RowGuards {
    /// What may keep rows from being removed, and what to do, for people.
    package var warnings: [String] {
        references.map {
            "\($0.table) refers to its rows by the foreign key \($0.constraint), and rows that are referred to cannot be removed: let it be "
                + "ON DELETE CASCADE or SET NULL, or drop it"
        }
            + triggers.map {
                "\($0) comes before rows are removed, and may keep them: nothing is removed then, and it says so"
            }
    }
}

extension PruningRecord {
    /// What was removed, for people; of nothing there is nothing to say.
    package var sentence: String {
        let date =
            prunedAt.map { " on \(Date(timeIntervalSince1970: Double($0) / 1_000_000).formatted(.iso8601))" } ?? ""
        return "rows up to position \(through) were removed by retention\(prunedAt == nil ? "" : ", the last\(date)")"
    }

    /// One line of the status.
    var line: String {
        let removed = through > 0 ? sentence : "nothing was removed yet"
        return removed + (heldBy.isEmpty ? "" : "; kept: \(heldBy)")
    }

    package var json: JSONValue {
        [
            "through_position": .number(through), "rows": .number(rows),
            "at": prunedAt.map {
                .string(Date(timeIntervalSince1970: Double($0) / 1_000_000).formatted(.iso8601))
            } ?? .null,
            "last_look_seconds": .number(lastLook / .seconds(1), digits: 0),
            "held_at": heldAt.map { .number($0) } ?? .null,
            "held_by": heldBy.isEmpty ? .null : .string(heldBy),
        ]
    }
}
