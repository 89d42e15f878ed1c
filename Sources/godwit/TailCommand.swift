import Appliance
import ArgumentParser

struct TailCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Follows live what a consumer would publish.",
        discussion: """
            Examples:
              godwit tail --consumer identity --config godwit.yaml
              godwit tail --consumer identity --from 4711 --records
              godwit tail --consumer identity --json | jq .record.headers

            A line for each event of the consumer's scope, in the order of positions: position, time, type, aggregate, topic
            and partition, size; or why the event is not published. It shows settled events only, as relays publish them:
            behind a transaction that is still open nothing is shown, and after a while the transaction is named. It reads the
            database, publishes nothing and changes nothing; no relay needs to run.

            SIGINT (Ctrl-C) or SIGTERM ends it with 0, and so does the end of the program that reads its output.
            """.flowing)

    @OptionGroup var options: ConfigurationOptions
    @Option(help: ArgumentHelp("The consumer.", valueName: "name")) var consumer: String
    @Option(
        help: ArgumentHelp(
            "The first position, or now for what is written from now on.", valueName: "position"))
    var from = "now"
    @Flag(help: "Show whole records, as preview does.") var records = false
    @Flag(help: "Report as JSON, a line for each event, with its record.") var json = false

    func validate() throws {
        guard from == "now" || Int64(from).map({ $0 >= 0 }) == true else {
            throw ValidationError("--from is \"\(from)\", but must be now or a position")
        }
    }

    func execute() async throws {
        let configuration = try options.loadPreview(of: consumer)
        let (json, records) = (json, records)
        StandardStream.survivesClosedReaders()
        try await Tailing(configuration).run(from: Int64(from)) { event in
            let text = json ? event.json.text : records ? event.text + "\n" : event.line
            return StandardStream.writeOutput(text + "\n")
        } report: { text in
            standardError("godwit: \(LogLine.harmless(text))")
        }
    }
}
