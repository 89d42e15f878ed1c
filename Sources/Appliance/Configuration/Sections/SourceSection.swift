package import EventSourcing
import KafkaBridge
import Postgres

/// `source`: the table of events, where it is not Godwit's own, what it is for, and how long its rows stay.
package struct SourceSection: Sendable {
    package enum Kind: String, Sendable {
        /// Rows are kept: streams are loaded from them.
        case eventStore = "event_store"
        /// Rows are of no use once they are delivered.
        case outbox
    }

    package var kind: Kind
    /// Nil where the table is the one of `database.tables.events`.
    package let table: TableName?
    /// Nil where the table has Godwit's own shape.
    package let columns: SourceColumns?
    package var retention: RetentionSection

    init(_ values: inout ConfigurationValues) {
        kind = Kind(rawValue: values.text("source.kind")) ?? .eventStore
        table = Self.table(&values)
        columns = Self.columns(&values)
        retention = RetentionSection(&values, of: kind)
    }

    /// What consumers take from fields that the source does not have.
    func check(_ consumers: [ConsumerSection], _ values: inout ConfigurationValues) {
        guard let columns else { return }
        for consumer in consumers {
            func path(_ key: String) -> ConfigurationPath { ConfigurationPath(["consumers", consumer.name, key]) }
            if columns[.boundedContext] == .absent, !consumer.boundedContexts.isEmpty {
                values.problem(
                    path("bounded_contexts"), .conflict,
                    "wants events by their bounded context, and source.columns does not say where that comes from: no event "
                        + "would be wanted")
            }
            if columns[.boundedContext] == .absent, consumer.topic?.fields.contains(.boundedContext) == true {
                values.problem(
                    path("topic"), .conflict,
                    "uses {bounded_context}, and source.columns does not say where that comes from; name a column, or "
                        + "bounded_context: { value: … }")
            }
        }
    }

    private static func table(_ values: inout ConfigurationValues) -> TableName? {
        guard let text = values.optionalText("source.table") else { return nil }
        do throws(EventStoreError) {
            let schema = values.text("database.schema")
            let table = try TableName(source: text, in: schema)
            let other = values.text("database.tables.events")
            if values.isGiven("database.tables.events"), (try? TableName(source: other, in: schema)) != table {
                values.problem(
                    "source.table", .conflict,
                    "is \(text), and \"database.tables.events\" names another table, \(other); give one of them")
            }
            return table
        } catch {
            values.problem("source.table", "cannot be used: \(error)")
            return nil
        }
    }

    private static func columns(_ values: inout ConfigurationValues) -> SourceColumns? {
        var origins: [SourceShape.Field: SourceShape.Origin] = [:]
        var isGiven = false
        var timeUnit: SourceShape.TimeUnit?
        for field in SourceShape.Field.allCases {
            let path = ConfigurationPath("source.columns.\(field.key)")
            isGiven = isGiven || values.isGiven(path)
            origins[field] = origin(field, path, &timeUnit, &values)
        }
        guard isGiven else { return nil }
        do throws(SourceColumns.MissingFields) {
            return try SourceColumns(origins, timeUnit: timeUnit)
        } catch {
            let missing = error.fields.filter { !values.isGiven(ConfigurationPath("source.columns.\($0.key)")) }
            if !missing.isEmpty {
                let names = missing.map(\.key).joined(separator: ", ")
                values.missingColumns(
                    "\"source.columns\" does not say where \(names) \(missing.count == 1 ? "comes" : "come") from; name "
                        + "a column for each\(hint(missing)); `godwit adopt TABLE` prints what it finds")
            }
            return nil
        }
    }

    private static func hint(_ missing: [SourceShape.Field]) -> String {
        let constants = missing.filter(\.takesConstant)
        return constants.isEmpty ? "" : ", or the same text for all events, as in \(constants[0].key): { value: Order }"
    }

    private static func origin(
        _ field: SourceShape.Field, _ path: ConfigurationPath, _ timeUnit: inout SourceShape.TimeUnit?,
        _ values: inout ConfigurationValues
    ) -> SourceShape.Origin? {
        switch values.content(path) {
        case nil: return nil
        case .mapping([]), .list:
            if field.isRequired {
                values.problem(path, "names nothing, and no event is without it; name a column")
            }
            return nil
        case .scalar(let name):
            if let problem = TableName.problem(ofName: name) {
                values.problem(path, problem)
                return nil
            }
            return .column(name)
        case .mapping(let members) where field == .createdAt:
            return time(members, path, &timeUnit, &values)
        case .mapping(let members):
            guard members.count == 1, members[0].name == "value", case .scalar(let text) = members[0].content else {
                values.problem(path, "takes a column's name, or { value: text } for the same text in each event")
                return nil
            }
            guard field.takesConstant else {
                values.problem(
                    path,
                    "cannot be the same for each event; name a column\(field.isRequired ? "" : ", or leave it out")")
                return nil
            }
            if text.utf8.contains(0) {
                values.problem(path, "holds a NUL character")
                return nil
            }
            return .constant(text)
        }
    }

    /// A time that is a number, as in `{ column: created, unit: milliseconds }`.
    private static func time(
        _ members: [RawValue.Member], _ path: ConfigurationPath,
        _ timeUnit: inout SourceShape.TimeUnit?, _ values: inout ConfigurationValues
    ) -> SourceShape.Origin? {
        var texts: [String: String] = [:]
        for member in members {
            if case .scalar(let text) = member.content { texts[member.name] = text }
        }
        guard members.count == 2, let column = texts["column"], let unit = texts["unit"] else {
            values.problem(
                path, "takes a column's name, or { column: name, unit: milliseconds } where it is a number since 1970")
            return nil
        }
        guard let found = SourceShape.TimeUnit(rawValue: unit) else {
            let units = SourceShape.TimeUnit.allCases.map(\.rawValue).joined(separator: ", ")
            values.problem(path, "has the unit \(unit); units are \(units)")
            return nil
        }
        if let problem = TableName.problem(ofName: column) {
            values.problem(path, problem)
            return nil
        }
        timeUnit = found
        return .column(column)
    }
}
