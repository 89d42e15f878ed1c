import EventSourcing
import FoundationEssentials
import LocalPostgres
import Postgres

/// A throw-away PostgreSQL with the schema applied, a broker with the topics, and the configuration that joins them.
package struct DevelopmentServers: Sendable {
    package let databaseURL: String
    package let bootstrapServers: String
    package let topics: [String]
    package let configuration: Configuration
    /// The configuration as a file, for other commands; it goes with the database's folder.
    package let configurationFile: String

    private let postgres: LocalPostgres
    private let broker: DevelopmentBroker

    /// Starts both; `tell` hears of each step.
    package static func start(tell: (String) -> Void) async throws -> DevelopmentServers {
        tell("starting a throw-away PostgreSQL")
        var options = LocalPostgres.Options()
        // Latency is to be what commits cost, not what waiting for the disk of a test machine does.
        options.fsync = false
        // As a server has it by default: where transactions may be prepared, inserts do not notify.
        options.maxPreparedTransactions = 0
        let postgres = try await LocalPostgres.start(options)
        do {
            tell("starting the embedded broker")
            let broker = try await DevelopmentBroker.start()
            try await broker.createTopics(SampleConfiguration.topics, partitions: SampleConfiguration.partitions)
            let yaml = SampleConfiguration.yaml(
                databaseURL: postgres.url, bootstrapServers: broker.bootstrapServers)
            let file = postgres.folder + "/godwit.yaml"
            try Data(yaml.utf8).write(to: URL(filePath: file))
            let configuration = try Configuration.read(
                yaml, name: file, environment: [:], needs: [.database, .kafka, .consumers],
                readFile: { _ in "" }
            ).configuration
            tell("applying the schema")
            let connection = try await configuration.database.connect()
            _ = try await Schema(configuration.database.tables).migrate(on: connection)
            await connection.close()
            return DevelopmentServers(
                databaseURL: postgres.url, bootstrapServers: broker.bootstrapServers,
                topics: SampleConfiguration.topics, configuration: configuration, configurationFile: file,
                postgres: postgres, broker: broker)
        } catch {
            await postgres.stop()
            throw error
        }
    }

    /// Stops both and removes what they kept.
    package func stop() async {
        await broker.stop()
        await postgres.stop()
    }
}
