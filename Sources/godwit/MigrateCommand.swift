import Appliance
import ArgumentParser
import EventSourcing
import Postgres

struct MigrateCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Brings the database's schema up to date, or prints it.",
        discussion: """
            Examples:
              godwit migrate --config godwit.yaml
              godwit migrate --print | psql "$DATABASE_URL"

            Safe to run twice, and by several processes at once. Tables made by pupsourcing are taken over.
            """)

    @OptionGroup var options: ConfigurationOptions
    @Flag(help: "Print the SQL to standard output instead of applying it; asks no database.") var print = false
    @Flag(help: "Report as JSON.") var json = false

    func execute() async throws {
        let configuration = try options.load(print ? [] : [.database])
        let schema = Schema(configuration.database.tables)
        if print {
            standardOutput(schema.script)
            return
        }
        let connection = try await configuration.database.connect()
        let applied = try await schema.migrate(on: connection)
        await connection.close()
        if json {
            let report: JSONValue = [
                "version": .number(schema.latestVersion), "applied": .array(applied.map { .string($0) }),
            ]
            standardOutput(report.indentedText)
            return
        }
        for migration in applied { standardOutput("applied \(migration)") }
        standardOutput("the schema is at version \(schema.latestVersion)")
    }
}
