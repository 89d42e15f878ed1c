import Appliance
import ArgumentParser
import Logging

struct PreviewCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview",
        abstract: "Shows the records that a consumer would publish, and why it does not publish other events.",
        discussion: """
            Examples:
              godwit preview --consumer identity --config godwit.yaml
              godwit preview --consumer identity --last 100 --json
              godwit preview --consumer identity --position 4711
              godwit preview --consumer identity --aggregate user-17

            Reads events from the database and makes of them what the consumer would make of them: topic, partition, key,
            headers, value and size, byte for byte. It publishes nothing and changes nothing, and no relay needs to run. By
            default it shows the last 20 events of the log that concern the consumer, the newest last, and how many others
            it looked at. Events are looked at as soon as they are committed, whether they are settled or not.

            The configuration need not be complete: what is wrong with other consumers is passed over and said. Brokers are
            asked how many partitions a topic has and how large a record may be; where none can be reached, it says so, and
            the rest is shown all the same.

            With --json it writes a line for each event, and what else there is to say to standard error. Bytes that are not
            UTF-8 come in Base64 there.

            With --position or --aggregate it ends with 5 if there is no such event.
            """.flowing)

    @OptionGroup var options: ConfigurationOptions
    @Option(help: ArgumentHelp("The consumer.", valueName: "name")) var consumer: String
    @Option(
        help: ArgumentHelp("So many of the last events that concern the consumer; 20 by default.", valueName: "count"))
    var last: Int?
    @Option(help: ArgumentHelp("The event at this position.", valueName: "position")) var position: Int64?
    @Option(help: ArgumentHelp("The last events of this aggregate, at most --last.", valueName: "id"))
    var aggregate: String?
    @Flag(help: "Report as JSON, a line for each event.") var json = false

    func validate() throws {
        if let last, !(1...10_000).contains(last) { throw ValidationError("--last must be 1 to 10000") }
        if let position, position < 1 { throw ValidationError("--position must be at least 1: positions count from 1") }
        if position != nil, last != nil || aggregate != nil {
            throw ValidationError("--position excludes --last and --aggregate")
        }
    }

    func execute() async throws {
        let configuration = try options.loadPreview(of: consumer)
        let outcome = try await Previewing(configuration).run(choice)
        guard json else { return standardOutput(CommandHints.complete(outcome.text)) }
        for event in outcome.events { standardOutput(event.json.text) }
        for line in outcome.remarks { standardError(line) }
    }

    private var choice: Previewing.Choice {
        if let position { return .position(position) }
        if let aggregate { return .aggregate(aggregate, limit: last ?? 20) }
        return .last(last ?? 20)
    }
}

extension ConfigurationOptions {
    /// Reads what a preview needs, and says what is wrong elsewhere.
    func loadPreview(of consumer: String) throws -> PreviewConfiguration {
        let loaded = try PreviewConfiguration.load(consumer, file: file)
        let log = loaded.configuration.log
        StandardErrorLog.bootstrap(level: logLevel ?? max(log.level, .error), format: log.format)
        for problem in loaded.problems { standardError("godwit: \(LogLine.harmless(problem.line))") }
        return loaded
    }
}
