package import EventSourcing
package import Postgres

/// What `godwit adopt` is asked for, and what it finds.
package struct AdoptionRequest: Sendable {
    package var table: String
    package var usesExistingSequence = false
    package var order: [String] = []
    /// Columns and constants that are said instead of those that are recognised, as `field=text`.
    package var columns: [String] = []
    package var constants: [String] = []
    /// Whether the table is to be changed, by this session alone.
    package var applies = false

    package init(table: String) { self.table = table }

    /// Looks at the table.
    ///
    /// - Throws: `Failure` where there is no such table, or an option makes no sense.
    package func report(_ configuration: Configuration, on connection: Connection) async throws -> AdoptionReport {
        let database = configuration.database
        let name: TableName
        do throws(EventStoreError) {
            name = try TableName(source: table, in: database.tables.consumerSegments.schema)
        } catch {
            throw Failure(.usage, error.description)
        }
        if applies, !(try await Adoption(connection).claim(name)) {
            throw Failure(
                .ownedElsewhere,
                "another `godwit adopt` changes \(name.text) now: wait until it has ended; nothing was done here")
        }
        guard let survey = try await TableSurvey(name, on: connection) else {
            throw Failure(
                .usage,
                "there is no table \(name.text); name it as schema.table, in double quotes what is no plain name")
        }
        var shape = KnownShape.recognise(survey)
        for (list, make) in [(columns, SourceShape.Origin.column), (constants, SourceShape.Origin.constant)] {
            for entry in list { try take(entry, make, survey, &shape) }
        }
        let work = database.tables.godwitTable("adoption_\(Self.stem(name))")
        let plan = AdoptionPlan(
            survey, shape, godwit: work,
            options: AdoptionPlan.Options(usesExistingSequence: usesExistingSequence, order: order))
        return AdoptionReport(survey: survey, shape: shape, plan: plan, tables: database.tables)
    }

    /// Part of the name of a table of Godwit's own.
    private static func stem(_ table: TableName) -> String {
        let letters = "\(table.schema)_\(table.name)".unicodeScalars.map { scalar in
            TableName.isIdentifier("a\(Character(scalar))") ? String(Character(scalar)) : "_"
        }
        return String(letters.joined().prefix(50))
    }

    private func take(
        _ entry: String, _ make: (String) -> SourceShape.Origin, _ survey: TableSurvey, _ shape: inout KnownShape
    ) throws(Failure) {
        let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let field = SourceShape.Field.allCases.first(where: { $0.key == parts[0] }) else {
            let names = SourceShape.Field.allCases.map(\.key).joined(separator: ", ")
            throw Failure(.usage, "\"\(entry)\" is no field=text; fields are \(names)")
        }
        let origin = make(parts[1])
        if case .column(let name) = origin {
            guard let column = survey[name] else {
                throw Failure(.usage, "\(survey.table.text) has no column \(quoteIdentifier(name))")
            }
            guard column.type.fits(field) else {
                throw Failure(
                    .usage,
                    "column \(quoteIdentifier(name)) has the type \(column.typeName), and \(field.key) takes "
                        + ColumnType.accepted(for: field))
            }
            if field == .globalPosition { shape.position = name }
        } else if !field.takesConstant {
            throw Failure(.usage, "\(field.key) cannot be the same for each event; name a column")
        }
        if field != .globalPosition { shape.origins[field] = origin }
    }
}
