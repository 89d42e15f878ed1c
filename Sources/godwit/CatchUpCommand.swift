import Appliance
import ArgumentParser

struct CatchUpCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "catch-up",
        abstract: "Runs a consumer up to what is committed now, and ends: for cron and CI.",
        discussion: """
            Example:
              godwit catch-up identity --config godwit.yaml

            It is the consumer's own flow, once: it takes all its segments, goes on from its checkpoints and moves them. So it
            is refused with 31 while `godwit run` or another catch-up serves the consumer; --wait waits for them. A
            process that was killed counts as alive for 2.5 times `worker.heartbeat_interval` yet.

            SIGTERM or SIGINT finishes what is in flight, moves the checkpoints and ends with 30; a second one lets go at
            once with 3.
            """.flowing)

    @OptionGroup var options: ConfigurationOptions
    @Option(help: ArgumentHelp("How long to wait for others that serve it, such as 30s.", valueName: "time"))
    var wait = "0s"
    @Flag(help: "Report as JSON on standard output.") var json = false
    @Argument(help: "The consumer's name.") var consumer: String

    func validate() throws {
        guard DurationText.parse(wait) != nil else {
            throw ValidationError("--wait is \"\(wait)\", but must be a duration such as 30s")
        }
    }

    func execute() async throws {
        let configuration = try options.load([.database, .kafka, .consumers], of: consumer)
        let line = ProgressLine()
        let report = try await CatchUp(configuration, consumer: consumer).run(wait: DurationText.parse(wait) ?? .zero) {
            if line.isTerminal { line.show("\($0) events published") }
        }
        line.end()
        show(report.json) { _ in report.text }
    }
}
