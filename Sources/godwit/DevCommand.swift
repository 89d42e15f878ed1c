import Appliance
import ArgumentParser
import FoundationEssentials
import Logging

struct DevCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Keeps up a throw-away PostgreSQL, an embedded broker and a relay between them, to play with.",
        discussion: """
            Example:
              godwit dev

            Prints the URLs and the commands to try next, in another terminal. Ctrl-C ends it and removes everything.
            """.flowing)

    @Flag(help: "Print what is up as JSON, one line, once it is ready.") var json = false
    @Option(help: ArgumentHelp("The least important messages that are logged.", valueName: "level"))
    var logLevel: Logger.Level = .info

    func execute() async throws {
        StandardErrorLog.bootstrap(level: logLevel, format: .auto)
        try await DevelopmentRun().run(
            tell: { standardError($0) },
            ready: { servers in
                standardOutput(json ? Self.json(servers) : Self.text(servers))
            })
    }

    private static func json(_ servers: DevelopmentServers) -> String {
        let report: JSONValue = [
            "database_url": .string(servers.databaseURL), "bootstrap_servers": .string(servers.bootstrapServers),
            "topics": .array(servers.topics.map { .string($0) }), "config": .string(servers.configurationFile),
        ]
        return report.text
    }

    private static func text(_ servers: DevelopmentServers) -> String {
        let godwit = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "godwit"
        let kafka = servers.bootstrapServers
        return """

            PostgreSQL     \(servers.databaseURL)
            Kafka          \(kafka)
            topics         \(servers.topics.joined(separator: ", "))
            configuration  \(servers.configurationFile)

            Try in another terminal:

            # read a topic, from its beginning, and go on reading
            kcat -C -b \(kafka) -t identity -o beginning -f '%T %k %s\\n    %h\\n'

            # append an event of your own
            echo '{"bounded_context":"Identity","aggregate_type":"User","aggregate_id":"u-1","event_type":"UserRegistered","payload":{"name":"Ada"}}' | \(godwit) append --config \(servers.configurationFile)

            # or with SQL, as any service would
            psql '\(servers.databaseURL)' -c "INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, event_version, payload, created_at) VALUES ('Identity', 'User', 'u-2', 1, gen_random_uuid(), 'UserRegistered', 1, '{}', now())"

            # see the state of each consumer, and what is stored
            \(godwit) status --config \(servers.configurationFile)
            psql '\(servers.databaseURL)' -c 'SELECT global_position, event_type, aggregate_id FROM events ORDER BY 1 DESC LIMIT 5'

            Ctrl-C ends it and removes everything.

            """
    }
}
