import Appliance
import ArgumentParser
import EventSourcing
import Postgres

struct AppendCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "append", abstract: "Appends events from JSON lines, for trying out and for scripts.",
        discussion: """
            Example:
              echo '{"bounded_context":"Identity","aggregate_type":"User","aggregate_id":"u-1",\\
              "event_type":"UserRegistered","payload":{"name":"Ada"}}' | godwit append --config godwit.yaml

            A line is one event. Required: bounded_context, aggregate_type, aggregate_id, event_type, and payload (any JSON;
            a text is stored as it is) or payload_base64. Optional: event_id, event_version, trace_id, correlation_id,
            causation_id, metadata (any JSON), created_at, expected_version ("any", "no_stream" or a number).

            So many lines as --batch says are one transaction: all of them are appended, or none. At the first transaction
            that is refused the command stops, names each line at fault, and says what was committed before.
            """.flowing)

    @OptionGroup var options: ConfigurationOptions
    @Option(help: "How many lines are one transaction.") var batch = 100
    @Flag(help: "Report as JSON.") var json = false
    @Argument(help: "The file to read; standard input when not given.") var file: String?

    func validate() throws {
        guard batch >= 1 else { throw ValidationError("--batch must be at least 1") }
    }

    func execute() async throws {
        let configuration = try options.load([.database])
        if configuration.source.columns != nil {
            throw Failure(
                .usage,
                "append writes Godwit's own table of events, and \(configuration.database.tables.events.text) has a shape of its "
                    + "own (source.columns): insert into it as its application does")
        }
        let reader = try file.map { path throws(Failure) in try LineReader(path: path) } ?? LineReader()
        let connection = try await configuration.database.connect()
        let append = LineAppend(
            store: configuration.eventStore, connection: connection, linesPerTransaction: batch)
        let report = try await append.run(reader)
        await connection.close()
        if json {
            standardOutput(report.json.indentedText)
        } else if let first = report.firstPosition, let last = report.lastPosition {
            standardOutput("appended \(report.events) events at positions \(first) to \(last)")
        } else {
            standardOutput("nothing to append: the input holds no events")
        }
    }
}
