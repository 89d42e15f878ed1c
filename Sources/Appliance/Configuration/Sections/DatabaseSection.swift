package import EventSourcing
package import Postgres

/// `database`: where the event store is.
package struct DatabaseSection: Sendable {
    /// Nil only where the command needs no database.
    package var connection: ConnectionConfiguration?
    package var tables: TableNames

    init(_ values: inout ConfigurationValues, source: SourceSection, needed: Bool) {
        tables = Self.tables(&values)
        if let table = source.table {
            let others = [tables.aggregateHeads, tables.consumerSegments, tables.consumerWorkers]
            if others.contains(table) { values.problem("source.table", "names a table that is one of Godwit's own") }
            tables.events = table
        }
        tables.columns = source.columns
        connection = Self.connection(&values, needed: needed)
    }

    private static func tables(_ values: inout ConfigurationValues) -> TableNames {
        let schema = values.text("database.schema")
        // Both schemas are checked identifiers, so that this cannot fail but by a fault of the table of keys.
        guard
            var tables = try? TableNames(inSchema: schema, godwitSchema: values.text("database.godwit_schema"))
        else { return TableNames() }
        let keys: [(String, WritableKeyPath<TableNames, TableName>)] = [
            ("events", \.events), ("aggregate_heads", \.aggregateHeads),
            ("consumer_segments", \.consumerSegments), ("consumer_workers", \.consumerWorkers),
        ]
        var seen: Set<TableName> = []
        for (name, keyPath) in keys {
            let path = ConfigurationPath("database.tables.\(name)")
            let text = values.text(path)
            do throws(EventStoreError) {
                tables[keyPath: keyPath] = try TableName(text.contains(".") ? text : "\(schema).\(text)")
                if !seen.insert(tables[keyPath: keyPath]).inserted {
                    values.problem(path, "names a table that another of the tables has already")
                }
            } catch {
                values.problem(path, "cannot be used: \(error)")
            }
        }
        return tables
    }

    private static func connection(
        _ values: inout ConfigurationValues, needed: Bool
    ) -> ConnectionConfiguration? {
        let password = values.optionalText("database.password")
        let passwordSource = passwordSource(&values)
        let connectTimeout = values.duration("database.connect_timeout")
        let statementTimeout = values.duration("database.statement_timeout")
        let lockTimeout = values.duration("database.lock_timeout")
        guard let url = values.optionalText("database.url") else {
            if needed { values.missing("database.url") }
            return nil
        }
        do throws(PostgresError) {
            var connection = try ConnectionConfiguration(url)
            connection.connectTimeout = connectTimeout
            connection.statementTimeout = statementTimeout
            connection.lockTimeout = lockTimeout
            connection.connectionStringFile = values.file("database.url")
            connection.passwordSource = passwordSource
            connection.sessionCheck = SessionCheck()
            connection.sessionWaits = SessionWaits()
            return password.map { connection.with(password: $0) } ?? connection
        } catch {
            values.problem(
                "database.url", .databaseURL,
                "cannot be used: \(error.message)")
            return nil
        }
    }

    /// Where the password of each connection is read from; nil where it stays as it is.
    private static func passwordSource(_ values: inout ConfigurationValues) -> PasswordSource? {
        let timeLimit = values.duration("database.password_command_timeout")
        guard values.isGiven("database.password_command") else {
            if values.isGiven("database.password_command_timeout") {
                values.problem("database.password_command_timeout", "needs \"database.password_command\" too")
            }
            return values.file("database.password").map(PasswordSource.file)
        }
        if values.isGiven("database.password") {
            let other = values.file("database.password") == nil ? "database.password" : "database.password_file"
            values.problem("database.password_command", .conflict, "and \"\(other)\" are given; give one, not both")
        }
        let words = values.list("database.password_command")
        guard let program = words.first, !program.isEmpty else {
            values.problem("database.password_command", "names no program; write [program, argument, …]")
            return nil
        }
        return .command(PasswordCommand(words, timeLimit: timeLimit))
    }
}
