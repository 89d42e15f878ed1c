import EventSourcing
import FoundationEssentials
import Glibc
import Kafka
import Postgres
import TestSupport
import Testing

/// A schema with a table that is not Godwit's, a topic, and a configuration file that names the table.
struct SourceFixture: Sendable {
    let database: TestDatabase
    let kafka: TestKafka
    let topic: String
    let folder: TestFolder
    var schema: String { database.schema }

    static func with(_ kafka: TestKafka? = nil, _ body: (SourceFixture) async throws -> Void) async throws {
        let shared: TestKafka
        if let kafka { shared = kafka } else { shared = try await TestKafka() }
        let fixture = SourceFixture(
            database: try await TestDatabase(), kafka: shared, topic: try await shared.makeTopic("source"),
            folder: try TestFolder())
        let result: Result<Void, any Error>
        do {
            try await fixture.execute("CREATE SCHEMA \(fixture.schema)")
            result = .success(try await body(fixture))
        } catch {
            result = .failure(error)
        }
        try await fixture.execute("DROP SCHEMA \(fixture.schema) CASCADE")
        try result.get()
    }

    func connect() async throws -> Connection {
        let connection = try await Connection.open(ConnectionConfiguration(database.url))
        try await connection.execute(script: "SET search_path = \(schema)")
        return connection
    }

    /// Statements in a session of their own, whose tables are those of the schema.
    func execute(_ sql: String) async throws {
        let connection = try await Connection.open(ConnectionConfiguration(database.url))
        do {
            try await connection.execute(script: "SET search_path = \(schema); \(sql)")
            await connection.close()
        } catch {
            await connection.close()
            throw error
        }
    }

    func number(_ sql: String) async throws -> Int64 {
        let connection = try await connect()
        let rows = try await connection.query(Statement(sql))
        await connection.close()
        return try #require(rows.first).decode(0)
    }

    // MARK: The program

    /// Writes the configuration; `source` is the section of that name, as YAML.
    @discardableResult
    func configure(_ source: String, user: String? = nil, consumer: String = "") throws -> String {
        let own = user.map { database.url.replacing("://postgres@", with: "://\($0)@") } ?? database.url
        return try folder.write(
            "godwit.yaml",
            """
            database: { url: "\(own)", schema: \(schema), godwit_schema: \(schema) }
            \(source)
            notify: { mode: never }
            kafka: { bootstrap_servers: "\(kafka.bootstrapServers)" }
            worker: { poll_interval: 20ms, heartbeat_interval: 400ms, total_segments: 4 }
            consumers:
              all: { topic: \(topic)\(consumer) }
            """)
    }

    func command(_ arguments: String..., input: String? = nil) async throws -> Command.Result {
        var command = Command.godwit(environment: ["GODWIT_CONFIG": folder.path + "/godwit.yaml"], input: input)
        command.arguments = arguments
        return try await command.run()
    }

    func run() throws -> RunningCommand {
        try Command.godwit("run", environment: ["GODWIT_CONFIG": folder.path + "/godwit.yaml"]).start()
    }

    func migrate() async throws {
        let migrated = try await command("migrate")
        try #require(migrated.exitCode == 0, "\(migrated.standardError)")
    }

    /// Ends a relay as a service manager does.
    func stop(_ relay: RunningCommand) async throws {
        relay.send(SIGTERM)
        let result = try await deadline { await relay.result() }
        #expect(result.exitCode == 0, "\(result.standardError)")
    }

    /// The highest checkpoint, 0 where there is none.
    func checkpoint() async throws -> Int64 {
        try await number("SELECT coalesce(max(checkpoint), 0) FROM consumer_segments")
    }

    /// Waits until records with these keys' values have come, and gives all.
    func receive(_ count: Int, within limit: Duration = .seconds(30)) async throws -> [ConsumedRecord] {
        try await kafka.read([topic], within: limit) { $0.eventIDs.count >= count }
    }
}
