import EventSourcing
import KafkaBridge
import Postgres

/// What the audits of all consumers have found, as `godwit audit` shows it.
package struct AuditReport: Sendable {
    let records: [AuditRecord]

    package static func take(_ configuration: Configuration) async throws -> AuditReport {
        let table = AuditsTable(configuration.database.tables)
        return AuditReport(records: try await configuration.database.withConnection { try await table.all(on: $0) })
    }

    package var exitStatus: ExitStatus { records.contains(where: \.needsAttention) ? .accountNotClean : .success }

    package var json: JSONValue { ["audits": .array(records.map(\.json))] }

    /// For people.
    package var text: String {
        if records.isEmpty { return "nothing is audited: set \"audit.interval\", and start `godwit run`\n" }
        var table = TextTable(
            [
                "consumer", "from", "audited to", "events", "delivered", "missing", "doubled", "disordered",
                "not proven",
                "age", "audited by",
            ], rightAligned: Set(1...9))
        for record in records {
            let counts = record.counts
            table.add(
                [record.consumer]
                    + [
                        record.beganAfter, record.position, counts.committed, counts.delivered, counts.missing,
                        counts.doubled, counts.disordered, counts.unproven + Int64(record.suspects.count),
                    ].map { CountText.format($0) } + [AgeText.format(record.age), record.owner ?? "nobody"])
        }
        return table.text + records.map { details($0) }.joined()
    }

    private func details(_ record: AuditRecord) -> String {
        let others: [(Int64, String)] = [
            (record.counts.misplaced, "in another topic"), (record.counts.passedOver, "passed over"),
            (record.counts.parked, "parked"), (record.counts.deadLettered, "in the dead-letter topic"),
            (record.counts.discarded, "discarded"), (record.counts.unknowable, "not to be known"),
        ]
        var text = ""
        let told = others.filter { $0.0 > 0 }.map { "\(CountText.format($0.0)) \($0.1)" }
        if !told.isEmpty { text += "\(record.consumer): \(told.joined(separator: ", "))\n" }
        if !record.missing.isEmpty {
            let first = record.missing.prefix(10).map { "\($0)" }.joined(separator: ", ")
            text += "\(record.consumer): missing: \(first)\(record.missing.count > 10 ? ", …" : "")\n"
        }
        if record.reason != .first { text += "\(record.consumer): began there because \(record.reason.text)\n" }
        return text
    }
}

extension AuditRecord {
    var json: JSONValue {
        [
            "consumer": .string(consumer),
            "began_after": .number(beganAfter),
            "reason": .string(reason.rawValue),
            "position": .number(position),
            "committed": .number(counts.committed),
            "delivered": .number(counts.delivered),
            "missing": .number(counts.missing),
            "missing_positions": .array(missing.prefix(100).map { .number($0) }),
            "unproven": .number(counts.unproven),
            "looked_for_again": .number(suspects.count),
            "passed_over": .number(counts.passedOver),
            "parked": .number(counts.parked),
            "dead_lettered": .number(counts.deadLettered),
            "discarded": .number(counts.discarded),
            "not_to_be_known": .number(counts.unknowable),
            "doubled": .number(counts.doubled),
            "out_of_order": .number(counts.disordered),
            "misplaced": .number(counts.misplaced),
            "age_seconds": .number(age / .seconds(1), digits: 3),
            "audited_by": owner.map { .string($0) } ?? .null,
        ]
    }
}
