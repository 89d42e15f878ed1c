import EventSourcing
import Postgres

extension AdoptionReport {
    /// For people: what was recognised, the configuration, the statements, and remarks.
    ///
    /// - Parameter grants: the grants for the role that relays.
    package func text(grants: String?) -> String {
        var parts = ["-- \(LogLine.harmless(survey.table.text)): \(shape.name), \(size)"]
        parts.append("# For the configuration:\n\(configuration)")
        if plan.steps.isEmpty {
            parts.append("-- The table needs no change.")
        } else {
            parts.append(script)
        }
        if let grants { parts.append(grants) }
        let remarks = plan.warnings + shape.notes
        if !remarks.isEmpty { parts.append(remarks.map { "-- Note: \($0)" }.joined(separator: "\n")) }
        return parts.joined(separator: "\n\n")
    }

    package func json(grants: String?, applied: Bool) -> JSONValue {
        [
            "table": .string(survey.table.text), "recognised": .string(shape.name),
            "configuration": .string(configuration), "online": .boolean(plan.isOnline),
            "steps": .array(
                plan.steps.map { ["title": .string($0.title), "effect": .string($0.effect)] }),
            "script": .string(script), "grants": grants.map { .string($0) } ?? .null,
            "notes": .array((plan.warnings + shape.notes).map { .string($0) }),
            "refusals": .array(refusals.map { .string($0) }), "applied": .boolean(applied),
        ]
    }

    /// Why the plan needs to be told to go online, with what the other way would keep waiting.
    package var onlineAdvice: String {
        "\(survey.table.text) has rows (\(size)): in one statement it would be rewritten under a lock that reads and writes wait "
            + "for, for \(rewriteTime) or more. With --online it goes by steps, and nothing waits for longer than a moment"
    }

    /// At 40 MB a second, which is what a usual disk does beside its other work.
    private var rewriteTime: String {
        let seconds = survey.bytes / 40_000_000 + 1
        return seconds < 120 ? "\(seconds) s" : "\(seconds / 60) min"
    }

    private var size: String {
        guard survey.hasRows else { return "without rows" }
        return survey.bytes < 1_000_000 ? "\(survey.bytes / 1_000) KB" : "\(survey.bytes / 1_000_000) MB"
    }
}
