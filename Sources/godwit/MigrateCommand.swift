import Appliance
import ArgumentParser
import EventSourcing
import Glibc
import Postgres

struct MigrateCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Brings the database's schema up to date, or prints it; grants roles what they need.",
        discussion: """
            Examples:
              godwit migrate --config godwit.yaml
              godwit migrate --print | psql "$DATABASE_URL"
              godwit migrate --config godwit.yaml --grants relay --writer shop

            Safe to run twice, and by several processes at once, beside running services: locks are waited for in short
            attempts. Tables made by pupsourcing are taken over. Roles have to exist; grants only add to what they have.

            A new events table gets a trigger by which inserts wake relays within milliseconds, while a relay asks for it.
            A table that was there before gets it when you say --notify-trigger install, or agree when asked on a terminal.
            """.flowing)

    enum Trigger: String, ExpressibleByArgument, CaseIterable { case install, remove }

    @OptionGroup var options: ConfigurationOptions
    @Flag(help: "Print the SQL to standard output instead of applying it; asks no database.") var print = false
    @Option(help: ArgumentHelp("Grant what relaying needs, and nothing more.", valueName: "role"))
    var grants: String?
    @Option(help: ArgumentHelp("Grant what appending and reading events needs.", valueName: "role"))
    var writer: String?
    @Option(help: "Make every insert into the events table notify while a relay asks for it, or no longer.")
    var notifyTrigger: Trigger?
    @Flag(help: "Report as JSON.") var json = false

    func execute() async throws {
        let all = try options.loadEach(print ? [] : [.database])
        if print {
            for configuration in all {
                if let name = configuration.sourceName, all.count > 1 { standardOutput("-- source \(name)") }
                standardOutput(try script(configuration))
            }
            return
        }
        try await showEach(all) { try await migrate($0) }
    }

    private func roles(
        _ configuration: Configuration
    ) throws -> [(name: String, grants: Grants)] {
        try [(grants, TableRights.Purpose.relay), (writer, .writer)].compactMap { role, purpose in
            try role.map {
                (
                    name: $0,
                    grants: try Grants(
                        purpose, to: $0, configuration.database.tables,
                        maySignal: configuration.horizon.endIdleWritersAfter != nil,
                        prunes: configuration.source.retention.deliveredFor != nil)
                )
            }
        }
    }

    private func script(_ configuration: Configuration) throws -> String {
        let (schema, channel) = (Schema(configuration.database.tables), configuration.notify.channel)
        let trigger = notifyTrigger.map {
            $0 == .install ? schema.notifyTriggerScript(channel: channel) : schema.notifyTriggerRemoval
        }
        let parts = [schema.script(notifyChannel: channel)] + (try roles(configuration)).map(\.grants.script)
        return (parts + [trigger].compactMap(\.self)).joined(separator: "\n")
    }

    private func migrate(_ configuration: Configuration) async throws -> SourceReport {
        let tables = configuration.database.tables
        let channel = configuration.notify.channel
        let roles = try roles(configuration)
        let schema = Schema(tables)
        let connection = try await configuration.database.connect()
        for role in roles where try await !role.grants.roleExists(on: connection) {
            throw Failure(
                .usage,
                "the role \(role.name) does not exist; make it first: CREATE ROLE \(quoteIdentifier(role.name)) LOGIN PASSWORD '…'"
            )
        }
        let applied = try await schema.migrate(notifyChannel: channel, on: connection)
        for role in roles { try await role.grants.apply(on: connection) }
        switch notifyTrigger {
        case .install: try await schema.installNotifyTrigger(channel: channel, on: connection)
        case .remove: try await schema.removeNotifyTrigger(on: connection)
        case nil: break
        }
        var trigger = try await schema.notifyTrigger(channel: channel, on: connection)
        if notifyTrigger == nil, !trigger.isInstalled, !json, Self.agrees(tables.events.text) {
            try await schema.installNotifyTrigger(channel: channel, on: connection)
            trigger = try await schema.notifyTrigger(channel: channel, on: connection)
        }
        let registered = try await configuration.registerConsumers(on: connection)
        // A newer program may have brought the schema further than this one knows.
        let version = try await schema.currentVersion(on: connection)
        await connection.close()
        let own =
            tables.columns == nil
            ? [] : ["left \(tables.events.text) as it is: it is not Godwit's (source.columns)"]
        return report(applied, version, roles.map(\.name), trigger, registered, own)
    }

    /// Asks on a terminal whether the table, which Godwit did not make, may get the trigger; no, where nobody can answer.
    private static func agrees(_ table: String) -> Bool {
        guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else { return false }
        standardError("Install the trigger by which inserts into \(table) wake relays within milliseconds? [y/N] ")
        return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
    }

    private func report(
        _ applied: [String], _ version: Int, _ roles: [String], _ trigger: Schema.NotifyTrigger,
        _ registered: [String], _ own: [String]
    ) -> SourceReport {
        let report: JSONValue = [
            "version": .number(version), "applied": .array(applied.map { .string($0) }),
            "granted": .array(roles.map { .string($0) }),
            "registered": .array(registered.map { .string($0) }),
            "notify_trigger": notifyTrigger.map { .string($0.rawValue) } ?? .null,
            "inserts_notify": .boolean(trigger.isInstalled),
        ]
        var lines = applied.map { "applied \($0)" } + ["the schema is at version \(version)"]
        if !registered.isEmpty {
            lines.append(
                "registered \(registered.joined(separator: ", ")): nothing that they still have to deliver is removed by retention"
            )
        }
        if !applied.isEmpty, roles.isEmpty {
            lines.append(
                "a role that relays and does not own the tables needs its rights again: godwit migrate --grants ROLE")
        }
        lines += roles.map { "granted \(LogLine.harmless($0)) what it needs" }
        switch notifyTrigger {
        case .install: lines.append("installed the notify trigger")
        case .remove: lines.append("removed the notify trigger")
        case nil:
            lines.append(
                trigger.isInstalled
                    ? "inserts notify relays by the trigger"
                    : "inserts do not notify relays, which look at each worker.poll_interval: "
                        + "`godwit migrate --notify-trigger install` has inserts wake them within milliseconds")
        }
        let text = (lines + own).joined(separator: "\n")
        return SourceReport(json: report, text: { _ in text })
    }
}
