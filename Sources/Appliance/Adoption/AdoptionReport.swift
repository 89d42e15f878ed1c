package import EventSourcing
import Postgres

/// What adopting a table takes: the configuration, the statements, and what is to be known of them.
package struct AdoptionReport: Sendable {
    package let survey: TableSurvey
    package let shape: KnownShape
    package let plan: AdoptionPlan
    let tables: TableNames

    /// Why it cannot be done, empty if it can.
    package var refusals: [String] {
        plan.refusals
            + (shape.missing.isEmpty
                ? []
                : [
                    "no column was found for \(shape.missing.map(\.key).joined(separator: ", ")): name one by "
                        + "--map \(shape.missing[0].key)=COLUMN"
                        + (shape.missing.contains(where: \.takesConstant)
                            ? ", or the same text for all by --constant \(shape.missing.first(where: \.takesConstant)?.key ?? "")=TEXT"
                            : "")
                ])
    }

    /// Why the session's role may not carry the plan out; `nil` if it may, or nothing is to be done.
    package var missingOwnership: Failure? {
        guard !survey.isOwned, !plan.steps.isEmpty else { return nil }
        return Failure(
            .databaseRights,
            "the role \(survey.role) does not own \(survey.table.text), and only its owner may change it: name the role \(survey.owner) in "
                + "database.url, GRANT \(quoteIdentifier(survey.owner)) TO \(quoteIdentifier(survey.role)), or have the owner run the "
                + "statements that `godwit adopt` prints without --apply")
    }

    /// The tables with the source as its columns say.
    package var source: TableNames? {
        var tables = tables
        tables.events = survey.table
        guard !shape.isOwn else { return tables }
        var origins = shape.origins
        origins[.globalPosition] = .column(plan.position)
        guard let columns = try? SourceColumns(origins) else { return nil }
        tables.columns = columns
        return tables
    }

    /// What copies new rows into Godwit's own events; `nil` where a field is missing.
    package var copyTrigger: CopyTrigger? { try? CopyTrigger(survey, shape, into: tables) }

    /// The section `source` of the configuration.
    package var configuration: String {
        var lines = ["source:", "  table: \(Self.quoted(survey.table.text))"]
        lines.append("  kind: \(shape.isOutbox ? "outbox" : "event_store")")
        if shape.isOwn { return lines.joined(separator: "\n") }
        lines += ["  columns:", "    position: \(Self.quoted(plan.position))"]
        for field in SourceShape.Field.allCases where field != .globalPosition {
            switch shape.origins[field] ?? .absent {
            case .column(let name): lines.append("    \(field.key): \(Self.quoted(name))")
            case .constant(let text): lines.append("    \(field.key): { value: \(Self.quoted(text)) }")
            case .absent where field.isRequired: lines.append("    # \(field.key): which column?")
            case .absent: break
            }
        }
        return lines.joined(separator: "\n")
    }

    /// The statements for `psql`, each with what it is for.
    package var script: String {
        plan.steps.map { step in
            let head = "-- \(step.title): \(step.effect)"
            switch step.work {
            case .shortLock(let statements):
                return "\(head)\nBEGIN;\nSET LOCAL lock_timeout = '200ms';\n"
                    + statements.map { $0 + ";" }.joined(separator: "\n") + "\nCOMMIT;"
            case .beside(let statements): return "\(head)\n" + statements.map { $0 + ";" }.joined(separator: "\n")
            case .number(let numbering):
                return """
                    \(head)
                    \(numbering.schema);
                    \(numbering.ordering);
                    \(numbering.index);
                    -- Again for each range of 5,000, each by itself, until no row is left:
                    \(numbering.update(after: "0", through: "5000"));
                    \(numbering.removal);
                    """
            }
        }.joined(separator: "\n\n")
    }

    /// As YAML reads it back: in single quotes what it would take for something else.
    static func quoted(_ text: String) -> String {
        let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "~", ""]
        let isPlain =
            TableName.isIdentifier(text.replacing(".", with: "")) && !text.hasPrefix(".") && !text.hasSuffix(".")
            && !words.contains(text.lowercased())
        return isPlain ? text : "'" + text.replacing("'", with: "''") + "'"
    }
}
