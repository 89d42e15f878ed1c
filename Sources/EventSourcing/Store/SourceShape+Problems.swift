import Postgres

/// Why a source cannot be read as it is configured, in words. Pure.
extension SourceShape {
    /// What the catalog shows against the shape, empty where nothing does. A table that is missing has no problems here.
    package func problems(_ catalog: SourceCatalog) -> [SourceShapeProblem] {
        guard catalog.exists else { return [] }
        if let problem = kindProblem(catalog) { return [problem] }
        var problems: [SourceShapeProblem] = []
        for (field, name) in mappedFields {
            guard let column = catalog.columns[name] else { continue }
            if let text = problem(field, column) { problems.append(.init(text: text, isRight: false)) }
        }
        return problems + rightProblems(catalog)
    }

    private func kindProblem(_ catalog: SourceCatalog) -> SourceShapeProblem? {
        let text: String
        switch catalog.kind {
        case "r", "p": return nil
        case "v", "m":
            text =
                "\(table.text) is a view, of which nothing shows in what order its rows become visible: name the table behind it"
        case "f":
            text =
                "\(table.text) is a foreign table, whose writers are not seen from here: connect to the database that holds it"
        default: text = "\(table.text) is no table"
        }
        return SourceShapeProblem(text: text, isRight: false)
    }

    private func problem(_ field: Field, _ column: SourceCatalog.Column) -> String? {
        let name = quoteIdentifier(column.name)
        guard let type = column.type else {
            return isMapped
                ? "\(table.text) has no column \(name), which \(Self.key(field)) names: correct the name, or leave the field out"
                    + (field.isRequired ? " (this one is needed)" : "")
                : "\(table.text) has no column \(name) of Godwit's own shape: if it was renamed, or the table has "
                    + "another shape, name its columns in source.columns (`godwit adopt \(table.text)` prints them)"
        }
        if isMapped {
            if field == .createdAt, let timeUnit {
                guard type.isNumber else {
                    return
                        "column \(name) of \(table.text) has the type \(column.typeName), and \(Self.key(field)) takes "
                        + "numbers as \(timeUnit.rawValue) since 1970: leave the unit out, or name another column"
                }
                return nil
            }
            if field == .createdAt, type.isNumber {
                return "column \(name) of \(table.text) has the type \(column.typeName), and \(Self.key(field)) takes "
                    + "\(ColumnType.accepted(for: field)): say what the number counts since 1970, "
                    + "created_at: { column: \(column.name), unit: milliseconds }, or leave the field out"
            }
            guard type.fits(field) else {
                return "column \(name) of \(table.text) has the type \(column.typeName), and \(Self.key(field)) takes "
                    + "\(ColumnType.accepted(for: field)): name another column, for example a generated one"
                    + (field.isRequired ? "" : ", or leave the field out")
            }
        } else if !type.isOwn(of: field) {
            return "column \(name) of \(table.text) has the type \(column.typeName), where Godwit's own shape has "
                + "\(field.sqlType): name the table's columns in source.columns, which take more types "
                + "(`godwit adopt \(table.text)` prints them)"
        }
        if field == .globalPosition, !column.isNotNull {
            return
                "column \(name) of \(table.text) holds the positions and may be NULL, and a row without a position would "
                + "never be read: give each row one, then ALTER TABLE \(table.sql) ALTER COLUMN \(name) SET NOT NULL "
                + "(`godwit adopt --online` does both)"
        }
        return nil
    }

    private func rightProblems(_ catalog: SourceCatalog) -> [SourceShapeProblem] {
        let role = quoteIdentifier(catalog.role)
        var problems: [SourceShapeProblem] = []
        if !catalog.mayUseSchema {
            let schema = quoteIdentifier(table.schema)
            problems.append(
                .init(
                    text:
                        "the role \(role) may not use the schema \(schema): GRANT USAGE ON SCHEMA \(schema) TO \(role)",
                    isRight: true))
        }
        let unreadable = columnNames.filter { catalog.columns[$0].map { $0.type != nil && !$0.mayRead } ?? false }
        if !unreadable.isEmpty, !catalog.mayReadTable {
            let list = unreadable.map { quoteIdentifier($0) }.joined(separator: ", ")
            let isAll = unreadable.count == catalog.columns.values.count { $0.type != nil }
            problems.append(
                .init(
                    text: isAll
                        ? "the role \(role) may not read \(table.text): GRANT SELECT ON \(table.sql) TO \(role)"
                        : "the role \(role) may not read \(unreadable.count == 1 ? "column" : "columns") \(list) of "
                            + "\(table.text): GRANT SELECT (\(list)) ON \(table.sql) TO \(role)",
                    isRight: true))
        }
        return problems
    }

    private static func key(_ field: Field) -> String { "source.columns.\(field.key)" }
}

/// One thing that keeps a source from being read.
package struct SourceShapeProblem: Sendable, Hashable {
    /// What it is, and what to do.
    package let text: String
    /// Whether the role that asks lacks a right; another may have it.
    package let isRight: Bool
}
